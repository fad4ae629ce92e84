// output = LayerNorm(x + update) and its gradients, for rows of WIDTH elements. One warp takes one row, which it holds in registers.
// Options: -DWIDTH=N (divisible by the elements of 16 bytes), -DBFLOAT16.
#include "elements.cuh"

#define WARPS 4
#define VECTORS (WIDTH / PER_VECTOR)
#define TURNS ((VECTORS + 31) / 32)

// sum and statistics (mean and reciprocal deviation of a row) are for the backward pass; null without it.
extern "C" __global__ void __launch_bounds__(32 * WARPS) residual_norm_forward(
    const Element* __restrict__ x, const Element* __restrict__ update, const Element* __restrict__ weight, const Element* __restrict__ bias, Element* output,
    Element* sum, float* statistics, long long rows, float epsilon)
{
    const int lane = threadIdx.x & 31;
    const long long row = (long long)blockIdx.x * WARPS + (threadIdx.x >> 5);
    if (row >= rows)
        return;
    const long long start = row * WIDTH;
    float s[TURNS][PER_VECTOR];
    float total = 0;
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
        const int v = turn * 32 + lane;
        if (v < VECTORS)
        {
            float added[PER_VECTOR];
            load_vector(x + start + v * PER_VECTOR, s[turn]);
            load_vector(update + start + v * PER_VECTOR, added);
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
            {
                s[turn][i] = rounded(s[turn][i] + added[i]);
                total += s[turn][i];
            }
            if (sum)
                store_vector(sum + start + v * PER_VECTOR, s[turn]);
        }
    }
    const float mean = warp_sum(total) / WIDTH;
    float squares = 0;
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
        if (turn * 32 + lane < VECTORS)
        {
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
            {
                const float centered = s[turn][i] - mean;
                squares += centered * centered;
            }
        }
    }
    const float inverse = 1 / sqrtf(warp_sum(squares) / WIDTH + epsilon);
    if (statistics && lane == 0)
    {
        statistics[2 * row] = mean;
        statistics[2 * row + 1] = inverse;
    }
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
        const int v = turn * 32 + lane;
        if (v < VECTORS)
        {
            float w[PER_VECTOR], b[PER_VECTOR];
            load_vector(weight + v * PER_VECTOR, w);
            load_vector(bias + v * PER_VECTOR, b);
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
                s[turn][i] = (s[turn][i] - mean) * inverse * w[i] + b[i];
            store_vector(output + start + v * PER_VECTOR, s[turn]);
        }
    }
}

// The gradient of x, which is that of update too, and per block the sums for weight and bias: partial [blocks, 2, WIDTH].
extern "C" __global__ void __launch_bounds__(32 * WARPS) residual_norm_backward(
    const Element* __restrict__ gradient, const Element* __restrict__ sum, const float* __restrict__ statistics, const Element* __restrict__ weight,
    Element* input_gradient, float* partial, long long rows)
{
    __shared__ float shared[2 * WIDTH];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    float w[TURNS][PER_VECTOR], weight_sum[TURNS][PER_VECTOR], bias_sum[TURNS][PER_VECTOR];
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
#pragma unroll
        for (int i = 0; i < PER_VECTOR; i++)
            w[turn][i] = weight_sum[turn][i] = bias_sum[turn][i] = 0;
        if (turn * 32 + lane < VECTORS)
            load_vector(weight + (turn * 32 + lane) * PER_VECTOR, w[turn]);
    }
    for (long long row = (long long)blockIdx.x * WARPS + warp; row < rows; row += (long long)gridDim.x * WARPS)
    {
        const long long start = row * WIDTH;
        const float mean = statistics[2 * row], inverse = statistics[2 * row + 1];
        float normal[TURNS][PER_VECTOR], g[TURNS][PER_VECTOR];
        float mean_gradient = 0, mean_product = 0;
#pragma unroll
        for (int turn = 0; turn < TURNS; turn++)
        {
            const int v = turn * 32 + lane;
            if (v < VECTORS)
            {
                load_vector(sum + start + v * PER_VECTOR, normal[turn]);
                load_vector(gradient + start + v * PER_VECTOR, g[turn]);
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                {
                    normal[turn][i] = (normal[turn][i] - mean) * inverse;
                    weight_sum[turn][i] += g[turn][i] * normal[turn][i];
                    bias_sum[turn][i] += g[turn][i];
                    g[turn][i] *= w[turn][i];
                    mean_gradient += g[turn][i];
                    mean_product += g[turn][i] * normal[turn][i];
                }
            }
        }
        mean_gradient = warp_sum(mean_gradient) / WIDTH;
        mean_product = warp_sum(mean_product) / WIDTH;
#pragma unroll
        for (int turn = 0; turn < TURNS; turn++)
        {
            const int v = turn * 32 + lane;
            if (v < VECTORS)
            {
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                    g[turn][i] = (g[turn][i] - mean_gradient - normal[turn][i] * mean_product) * inverse;
                store_vector(input_gradient + start + v * PER_VECTOR, g[turn]);
            }
        }
    }
    // Warp after warp, so that the sum has the same bits in every run.
    for (int turn_of = 0; turn_of < WARPS; turn_of++)
    {
        if (warp == turn_of)
        {
#pragma unroll
            for (int turn = 0; turn < TURNS; turn++)
            {
                const int v = turn * 32 + lane;
                if (v < VECTORS)
                {
#pragma unroll
                    for (int i = 0; i < PER_VECTOR; i++)
                    {
                        const int column = v * PER_VECTOR + i;
                        shared[column] = (warp == 0 ? 0 : shared[column]) + weight_sum[turn][i];
                        shared[WIDTH + column] = (warp == 0 ? 0 : shared[WIDTH + column]) + bias_sum[turn][i];
                    }
                }
            }
        }
        __syncthreads();
    }
    for (int i = threadIdx.x; i < 2 * WIDTH; i += blockDim.x)
        partial[(long long)blockIdx.x * 2 * WIDTH + i] = shared[i];
}

// The sums of partial over the blocks. A block of 32 x PARTS threads takes 32 columns.
#define PARTS 16
extern "C" __global__ void __launch_bounds__(32 * PARTS) residual_norm_parameters(
    const float* __restrict__ partial, Element* weight_gradient, Element* bias_gradient, int blocks)
{
    __shared__ float shared[PARTS][32];
    const int lane = threadIdx.x & 31, part = threadIdx.x >> 5, column = blockIdx.x * 32 + lane;
    float total = 0;
    if (column < 2 * WIDTH)
    {
#pragma unroll 4
        for (int block = part; block < blocks; block += PARTS)
            total += partial[(long long)block * 2 * WIDTH + column];
    }
    shared[part][lane] = total;
    __syncthreads();
    if (part == 0 && column < 2 * WIDTH)
    {
        total = 0;
#pragma unroll
        for (int i = 0; i < PARTS; i++)
            total += shared[i][lane];
        store(column < WIDTH ? weight_gradient + column : bias_gradient + (column - WIDTH), total);
    }
}
