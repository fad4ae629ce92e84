// The sums of the columns of a matrix [rows, width], in float. Option: -DBFLOAT16.
#include "elements.cuh"

#define WARPS 8
#define COLUMNS (32 * PER_VECTOR)

// partial [parts, width]: block (x, y) sums COLUMNS columns over every parts-th group of WARPS rows. width consists of whole vectors.
extern "C" __global__ void __launch_bounds__(32 * WARPS) column_sum(const Element* __restrict__ matrix, float* partial, long long rows, int width)
{
    __shared__ float shared[WARPS][COLUMNS];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    const int column = blockIdx.x * COLUMNS + lane * PER_VECTOR;
    float total[PER_VECTOR];
#pragma unroll
    for (int i = 0; i < PER_VECTOR; i++)
        total[i] = 0;
    if (column < width)
    {
        const long long step = (long long)gridDim.y * WARPS;
#pragma unroll 4
        for (long long row = (long long)blockIdx.y * WARPS + warp; row < rows; row += step)
        {
            float values[PER_VECTOR];
            load_vector(matrix + row * width + column, values);
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
                total[i] += values[i];
        }
    }
#pragma unroll
    for (int i = 0; i < PER_VECTOR; i++)
        shared[warp][lane * PER_VECTOR + i] = total[i];
    __syncthreads();
    for (int i = threadIdx.x; i < COLUMNS; i += 32 * WARPS)
    {
        float sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++)
            sum += shared[w][i];
        if (blockIdx.x * COLUMNS + i < width)
            partial[(long long)blockIdx.y * width + blockIdx.x * COLUMNS + i] = sum;
    }
}

// The sums of partial over its parts. A block of 32 x WARPS threads takes 32 columns.
extern "C" __global__ void __launch_bounds__(32 * WARPS) column_sum_parts(const float* __restrict__ partial, Element* sums, int parts, int width)
{
    __shared__ float shared[WARPS][32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, column = blockIdx.x * 32 + lane;
    float total = 0;
    if (column < width)
    {
#pragma unroll 4
        for (int part = warp; part < parts; part += WARPS)
            total += partial[(long long)part * width + column];
    }
    shared[warp][lane] = total;
    __syncthreads();
    if (warp == 0 && column < width)
    {
        total = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++)
            total += shared[w][lane];
        store(sums + column, total);
    }
}
