// A step of AdamW (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2) over parameters that lie in one array, in float32, with clipping by the norm of all
// gradients. Nothing is read by the processor: a gradient or a loss that is not finite stops this and all later steps on the device.
#include "elements.cuh"

#define THREADS 256

// The numbers that the kernels share.
struct Control
{
    float norm;   // of all gradients, before clipping
    float factor; // by which clipping multiplies the gradients
    int stopped;  // whether this step, or one before, was not finite
    int unused;
};

__device__ __forceinline__ double block_sum(double value)
{
    __shared__ double shared[THREADS / 32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1)
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    if (lane == 0)
        shared[warp] = value;
    __syncthreads();
    double sum = 0;
#pragma unroll
    for (int w = 0; w < THREADS / 32; w++)
        sum += shared[w];
    return sum;
}

__device__ __forceinline__ bool is_finite(float value) { return (__float_as_uint(value) & 0x7f800000u) != 0x7f800000u; }

// partial [blocks]: the sums of squares of the gradients, [4 * vectors] floats, that each block takes.
extern "C" __global__ void __launch_bounds__(THREADS) squared_norms(const float4* __restrict__ gradients, double* partial, long long vectors)
{
    double total = 0;
    const long long step = (long long)gridDim.x * THREADS;
    for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < vectors; i += step)
    {
        const float4 g = gradients[i];
        total += (double)(g.x * g.x + g.y * g.y) + (double)(g.z * g.z + g.w * g.w);
    }
    total = block_sum(total);
    if (threadIdx.x == 0)
        partial[blockIdx.x] = total;
}

// One block. max_norm may be infinite. measures [losses + 1]: the losses, and after them the norm is written.
extern "C" __global__ void __launch_bounds__(THREADS) clip(
    const double* __restrict__ partial, int parts, const float* __restrict__ losses, float* measures, int num_losses, float max_norm, Control* control)
{
    double total = 0;
    for (int part = threadIdx.x; part < parts; part += THREADS)
        total += partial[part];
    total = block_sum(total);
    int wrong = 0;
    for (int i = threadIdx.x; i < num_losses; i += THREADS)
    {
        measures[i] = losses[i];
        wrong |= !is_finite(losses[i]);
    }
    const float norm = (float)sqrt(total);
    wrong = __syncthreads_or(wrong || !is_finite(norm));
    if (threadIdx.x != 0)
        return;
    // The constant of libtorch's clip_grad_norm_, against a division by 0.
    const float factor = max_norm / (norm + 1e-6f);
    control->norm = norm;
    control->factor = factor < 1 ? factor : 1;
    control->stopped |= wrong;
    measures[num_losses] = norm;
}

// Updates 4 * vectors elements. decay is 1 - rate * weight decay; step_size is rate / (1 - beta1^t); scale is 1 / sqrt(1 - beta2^t); rest1 and
// rest2 are 1 - beta1 and 1 - beta2. rounded: the values in bfloat16, 4 per vector, or null.
extern "C" __global__ void __launch_bounds__(THREADS) adamw(
    float4* values, const float4* __restrict__ gradients, float4* means, float4* squares, uint2* rounded, const Control* __restrict__ control,
    long long vectors, float decay, float step_size, float scale, float beta1, float rest1, float beta2, float rest2, float epsilon)
{
    if (control->stopped)
        return;
    const float factor = control->factor;
    const long long step = (long long)gridDim.x * THREADS;
    for (long long i = (long long)blockIdx.x * THREADS + threadIdx.x; i < vectors; i += step)
    {
        float4 value = values[i], mean = means[i], square = squares[i];
        const float4 gradient = gradients[i];
        float* v = &value.x;
        float* m = &mean.x;
        float* s = &square.x;
        const float* g = &gradient.x;
#pragma unroll
        for (int k = 0; k < 4; k++)
        {
            const float clipped = g[k] * factor;
            m[k] = m[k] * beta1 + clipped * rest1;
            s[k] = s[k] * beta2 + clipped * clipped * rest2;
            v[k] = v[k] * decay - step_size * (m[k] / (sqrtf(s[k]) * scale + epsilon));
        }
        values[i] = value;
        means[i] = mean;
        squares[i] = square;
        if (rounded)
        {
            rounded[i] = make_uint2(
                (unsigned)to_bfloat16(v[0]) | ((unsigned)to_bfloat16(v[1]) << 16), (unsigned)to_bfloat16(v[2]) | ((unsigned)to_bfloat16(v[3]) << 16));
        }
    }
}
