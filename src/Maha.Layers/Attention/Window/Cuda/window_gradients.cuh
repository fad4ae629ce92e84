// What the two kernels of the backward pass share.

#pragma once

#include "window_products.cuh"

// The gradients of the logits of a warp's rows with the columns that pass by. With first and second operands (query, dO) of the rows and (key, value) of the
// columns, or the other way around, firstSums is the gradient of the rows' first operand, secondSums the weighted sum of the columns' second operand.
struct RowGradients
{
    LeftRows first;
    LeftRows second;
    float firstSums[SUMS][4];
    float secondSums[SUMS][4];
    Range near; // of the first of the rows that decide together
    Range far;  // of the last

    __device__ __forceinline__ void clear()
    {
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
#pragma unroll
            for (int i = 0; i < 4; i++)
                firstSums[j][i] = secondSums[j][i] = 0;
        }
    }

    __device__ __forceinline__ void load(unsigned firstTile, unsigned secondTile, int warp, int lane)
    {
        first.load(firstTile, warp, lane);
        second.load(secondTile, warp, lane);
    }

    // range_of(r) returns the columns of row g + 8 r, scalars(r, i) the log-sum-exp and D of the query that is this row, or column i of the tile.
    template <bool SUMS_SECOND, class RangeOf, class Scalars>
    __device__ __forceinline__ void add(
        unsigned firstColumns, unsigned secondColumns, int column, float factor, RangeOf range_of, Scalars scalars, int lane)
    {
        const bool isWhole = is_whole(column, near, far);
        const int t = lane % 4;
#pragma unroll
        for (int piece = 0; piece < STREAM_ROWS; piece += PIECE)
        {
            float logits[PIECE / 8][4], products[PIECE / 8][4];
            multiply_rows<PIECE>(logits, first, firstColumns + piece * ROW_BYTES, lane);
            multiply_rows<PIECE>(products, second, secondColumns + piece * ROW_BYTES, lane);
            end_products();
#pragma unroll
            for (int r = 0; r < 2; r++)
            {
                if (!isWhole)
                {
                    const Range range = range_of(r);
#pragma unroll
                    for (int n = 0; n < PIECE / 8; n++)
                    {
#pragma unroll
                        for (int e = 0; e < 2; e++)
                        {
                            // The weight becomes 0, and with a finite product the gradient too.
                            if (!has(range, column + piece + 8 * n + 2 * t + e))
                            {
                                logits[n][2 * r + e] = minus_infinity();
                                products[n][2 * r + e] = 0;
                            }
                        }
                    }
                }
#pragma unroll
                for (int n = 0; n < PIECE / 8; n++)
                {
#pragma unroll
                    for (int e = 0; e < 2; e++)
                    {
                        float& logit = logits[n][2 * r + e];
                        float& product = products[n][2 * r + e];
                        const float2 row = scalars(r, piece + 8 * n + 2 * t + e);
                        const float weight = exp2_fast(logit * factor - row.x);
                        logit = weight * (product - row.y);
                        product = weight;
                    }
                }
            }
            add_rows<PIECE>(firstSums, logits, firstColumns + piece * ROW_BYTES, lane);
            if (SUMS_SECOND)
                add_rows<PIECE>(secondSums, products, secondColumns + piece * ROW_BYTES, lane);
            end_products();
        }
    }
};

// The sum of products of a row's elements, by two lanes: the lanes 2 i and 2 i + 1 have row i of the warp.
static __device__ __forceinline__ float half_dot(const Element* left, const Element* right, int half)
{
    float sum = 0;
#pragma unroll
    for (int i = 0; i < CHUNKS / 2; i++)
    {
        const int from = (half * (CHUNKS / 2) + i) * CHUNK_ELEMENTS;
        const uint4 a = *(const uint4*)(left + from), b = *(const uint4*)(right + from);
        const unsigned first[4] = {a.x, a.y, a.z, a.w}, second[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int k = 0; k < 4; k++)
        {
#if BF16
            const float2 x = to_floats(first[k]), y = to_floats(second[k]);
            sum += x.x * y.x + x.y * y.y;
#else
            sum += __uint_as_float(first[k]) * __uint_as_float(second[k]);
#endif
        }
    }
    return sum;
}
