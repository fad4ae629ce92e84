// Depthwise convolutions over tokens with three taps: y_j = b + sum over t of W_t * x_{j * stride + offset + t * dilation}, elementwise in the channels.
// Tokens outside a document count as 0, and rows after its end become 0. Option: -DBFLOAT16.
#include "elements.cuh"

#define TAPS 3
#define THREADS 128
#define FORWARD_ROWS 4
#define MOST_CHAINS 2
#define SUM_WARPS 8

// Sequences that share the weights are chains of one launch. CudaConvolutionCall in C# has the same layout.
struct CudaConvolutionCall
{
    const Element* input[MOST_CHAINS];      // [B, N, D]
    Element* output[MOST_CHAINS];           // [B, N', D]
    const Element* gradient[MOST_CHAINS];   // of the output
    const Element* added[MOST_CHAINS];      // what is added to the gradient of the input; null for nothing
    Element* inputGradient[MOST_CHAINS];
    const Element* weight;                  // [D, 1, 3]
    const Element* bias;                    // [D]
    const int* inputRows;                   // [B], the valid rows of a document's input
    const int* outputRows;                  // [B], those of its output
    float* partial;                         // [chains * parts, 4, D]: the sums of the parts for the three taps and the bias
    long long seed;                         // of the dropped elements
    int chains;
    int batch;
    int inputLength;                        // N
    int outputLength;                       // N'
    int width;                              // D
    int stride;
    int dilation;
    int offset;
    int relu;
    int partRows;                           // the rows of a part
    int parts;
    unsigned dropped;                       // an element is dropped where its hash is below; 0 for none
    float keptFactor;
};

// The hash by which DropoutKernel drops the elements of a tensor on the processor, so that a seed drops the same ones here.
__device__ __forceinline__ unsigned dropout_hash(long long seed, long long element)
{
    unsigned long long words = (unsigned long long)seed + (unsigned long long)(element >> 14) * 0x9E3779B97F4A7C15ull;
    words = (words ^ (words >> 30)) * 0xBF58476D1CE4E5B9ull;
    words = (words ^ (words >> 27)) * 0x94D049BB133111EBull;
    words ^= words >> 31;
    unsigned x = (unsigned)(element & 16383) * 0x9E3779B1u + (unsigned)words;
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= (x >> 13) ^ (unsigned)(words >> 32);
    x *= 0xC2B2AE35u;
    return x ^ (x >> 16);
}

// The weights of PER_VECTOR channels, tap by tap.
__device__ __forceinline__ void load_taps(const CudaConvolutionCall& call, int channel, float (&taps)[TAPS][PER_VECTOR])
{
    float packed[TAPS][PER_VECTOR];
#pragma unroll
    for (int v = 0; v < TAPS; v++)
        load_vector(call.weight + (long long)channel * TAPS + v * PER_VECTOR, packed[v]);
#pragma unroll
    for (int i = 0; i < TAPS * PER_VECTOR; i++)
        taps[i % TAPS][i / TAPS] = packed[i / PER_VECTOR][i % PER_VECTOR];
}

// The gradient of a row before ReLU and dropout. What was dropped, or did not pass, is 0 in the output.
__device__ __forceinline__ void load_gradient(const CudaConvolutionCall& call, int chain, long long place, float (&gradient)[PER_VECTOR])
{
    load_vector(call.gradient[chain] + place, gradient);
    if (!call.relu)
        return;
    float output[PER_VECTOR];
    load_vector(call.output[chain] + place, output);
#pragma unroll
    for (int i = 0; i < PER_VECTOR; i++)
        gradient[i] = output[i] > 0 ? gradient[i] * call.keptFactor : 0;
}

// A thread computes FORWARD_ROWS rows of PER_VECTOR channels. Grid: (threads, 1, chains).
extern "C" __global__ void __launch_bounds__(THREADS) convolve(const CudaConvolutionCall call)
{
    const int vectors = call.width / PER_VECTOR, chain = blockIdx.z;
    const long long item = (long long)blockIdx.x * THREADS + threadIdx.x, rows = (long long)call.batch * call.outputLength;
    const int channel = (int)(item % vectors) * PER_VECTOR;
    const long long first = item / vectors * FORWARD_ROWS;
    if (first >= rows)
        return;
    float taps[TAPS][PER_VECTOR], bias[PER_VECTOR];
    load_taps(call, channel, taps);
    load_vector(call.bias + channel, bias);
    for (int n = 0; n < FORWARD_ROWS && first + n < rows; n++)
    {
        const long long row = first + n, place = row * call.width + channel;
        const int document = (int)(row / call.outputLength), j = (int)(row % call.outputLength);
        float sum[PER_VECTOR];
        const bool valid = j < call.outputRows[document];
#pragma unroll
        for (int i = 0; i < PER_VECTOR; i++)
            sum[i] = valid ? bias[i] : 0;
        if (valid)
        {
            const int tokens = call.inputRows[document];
#pragma unroll
            for (int t = 0; t < TAPS; t++)
            {
                const int token = j * call.stride + call.offset + t * call.dilation;
                if (token < 0 || token >= tokens)
                    continue;
                float x[PER_VECTOR];
                load_vector(call.input[chain] + ((long long)document * call.inputLength + token) * call.width + channel, x);
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                    sum[i] += taps[t][i] * x[i];
            }
            if (call.relu)
            {
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                    sum[i] = sum[i] > 0 ? sum[i] : (sum[i] != sum[i] ? sum[i] : 0);
            }
            if (call.dropped)
            {
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                    sum[i] = dropout_hash(call.seed, place + i) >= call.dropped ? sum[i] * call.keptFactor : 0;
            }
        }
        store_vector(call.output[chain] + place, sum);
    }
}

// A thread takes PER_VECTOR channels of a part of a document: the gradient of its input rows, and its sums for weights and bias.
// Grid: (threads, 1, chains). The parts of a document are consecutive.
extern "C" __global__ void __launch_bounds__(THREADS) convolve_gradients(const CudaConvolutionCall call)
{
    const int vectors = call.width / PER_VECTOR, chain = blockIdx.z, perDocument = call.parts / call.batch;
    const long long item = (long long)blockIdx.x * THREADS + threadIdx.x;
    const int channel = (int)(item % vectors) * PER_VECTOR, part = (int)(item / vectors);
    if (part >= call.parts)
        return;
    const int document = part / perDocument, first = part % perDocument * call.partRows, last = min(call.inputLength, first + call.partRows);
    const int tokens = call.inputRows[document], outputs = call.outputRows[document];
    const long long inputStart = (long long)document * call.inputLength, outputStart = (long long)document * call.outputLength;
    float taps[TAPS][PER_VECTOR], tapSums[TAPS][PER_VECTOR], biasSum[PER_VECTOR];
    load_taps(call, channel, taps);
#pragma unroll
    for (int i = 0; i < PER_VECTOR; i++)
        biasSum[i] = tapSums[0][i] = tapSums[1][i] = tapSums[2][i] = 0;
    for (int row = first; row < last; row++)
    {
        const long long place = (inputStart + row) * call.width + channel;
        float x[PER_VECTOR], sum[PER_VECTOR], gradient[PER_VECTOR];
#pragma unroll
        for (int i = 0; i < PER_VECTOR; i++)
            sum[i] = 0;
        if (row < tokens)
        {
            load_vector(call.input[chain] + place, x);
            if (call.added[chain])
                load_vector(call.added[chain] + place, sum);
#pragma unroll
            for (int t = 0; t < TAPS; t++)
            {
                const int start = row - call.offset - t * call.dilation, j = start / call.stride;
                if (start < 0 || start % call.stride != 0 || j >= outputs)
                    continue;
                load_gradient(call, chain, (outputStart + j) * call.width + channel, gradient);
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                {
                    sum[i] += taps[t][i] * gradient[i];
                    tapSums[t][i] += x[i] * gradient[i];
                }
            }
        }
        store_vector(call.inputGradient[chain] + place, sum);
        // Every output row begins in one part.
        if (row % call.stride == 0 && row / call.stride < outputs)
        {
            load_gradient(call, chain, (outputStart + row / call.stride) * call.width + channel, gradient);
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
                biasSum[i] += gradient[i];
        }
    }
    float* partial = call.partial + ((long long)(chain * call.parts + part) * (TAPS + 1)) * call.width + channel;
#pragma unroll
    for (int i = 0; i < PER_VECTOR; i++)
    {
#pragma unroll
        for (int t = 0; t < TAPS; t++)
            partial[(long long)t * call.width + i] = tapSums[t][i];
        partial[(long long)TAPS * call.width + i] = biasSum[i];
    }
}

#define MOST_CONVOLUTIONS 12

// The sums of several convolutions over their parts. CudaConvolutionSums in C# has the same layout.
struct CudaConvolutionSums
{
    const float* partial[MOST_CONVOLUTIONS];
    Element* weightGradient[MOST_CONVOLUTIONS];
    Element* biasGradient[MOST_CONVOLUTIONS];
    int parts[MOST_CONVOLUTIONS];
    int width;
};

// A block of 32 x SUM_WARPS threads takes 32 channels of a tap, or of the bias, always in the same order. Grid: (channels, TAPS + 1, convolutions).
extern "C" __global__ void __launch_bounds__(32 * SUM_WARPS) convolve_parameters(const CudaConvolutionSums sums)
{
    __shared__ float shared[SUM_WARPS][32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, channel = blockIdx.x * 32 + lane, tap = blockIdx.y, convolution = blockIdx.z;
    float total = 0;
    if (channel < sums.width)
    {
#pragma unroll 4
        for (int part = warp; part < sums.parts[convolution]; part += SUM_WARPS)
            total += sums.partial[convolution][((long long)part * (TAPS + 1) + tap) * sums.width + channel];
    }
    shared[warp][lane] = total;
    __syncthreads();
    if (warp != 0 || channel >= sums.width)
        return;
    total = 0;
#pragma unroll
    for (int w = 0; w < SUM_WARPS; w++)
        total += shared[w][lane];
    if (tap < TAPS)
        store(sums.weightGradient[convolution] + (long long)channel * TAPS + tap, total);
    else
        store(sums.biasGradient[convolution] + channel, total);
}
