// Products of a warp's rows with tiles in shared memory. Where the hardware multiplies tiles by groups of four warps, the tiles never pass through registers.
// The products of float32 are sums of three in TF32, which hold float32's precision (Ootomo and Yokota, arXiv 2203.03341).

#pragma once

#include "window_tiles.cuh"

// 16 rows as the left operand of products over the head's elements, one step.
struct LeftStep
{
#if BF16
    unsigned parts[4];
#else
    unsigned high[4];
    unsigned low[4];
#endif
};

// The places in a tile that a lane passes to load_matrices for 16 rows and 32 bytes: as left operand (also for transposed ones), and as right operand.
static __device__ __forceinline__ unsigned left_place(int lane)
{
    return place(lane & 15, lane >> 4);
}

static __device__ __forceinline__ unsigned right_place(int lane)
{
    return place((lane & 7) + (lane >> 4) * 8, (lane >> 3) & 1);
}

// address: of the first row, plus left_place.
static __device__ __forceinline__ void load_left(LeftStep& left, unsigned address, int step)
{
#if BF16
    load_matrices(left.parts, address ^ (32 * step));
#else
    unsigned bits[4];
    load_matrices(bits, address ^ (32 * step));
#pragma unroll
    for (int i = 0; i < 4; i++)
        split_tf32(__uint_as_float(bits[i]), left.high[i], left.low[i]);
#endif
}

#if !BF16
// Tensor cores round their sums toward zero, which adds up over many rows. Therefore a product has sums of its own, which are added with rounding to nearest.
static __device__ __forceinline__ void multiply(float (&sum)[4], const LeftStep& left, float right0, float right1)
{
    unsigned high0, high1, low0, low1;
    split_tf32(right0, high0, low0);
    split_tf32(right1, high1, low1);
    float product[4] = {0, 0, 0, 0};
    multiply_tf32(product, left.low, high0, high1);
    multiply_tf32(product, left.high, low0, low1);
    multiply_tf32(product, left.high, high0, high1);
#pragma unroll
    for (int i = 0; i < 4; i++)
        sum[i] += product[i];
}
#endif

#if !GROUPS
static __device__ __forceinline__ void end_products() {}
#endif

// What a warp keeps of the block's tile of an operand while others pass by: in bfloat16 the operand, in float32 the address, because the parts would take too
// many registers. A group needs the tile's address only.
struct LeftRows
{
#if BF16 && !GROUPS
    LeftStep steps[STEPS];
#else
    unsigned address;
#endif

    __device__ __forceinline__ void load(unsigned tile, int warp, int lane)
    {
#if GROUPS
        address = tile;
#elif BF16
#pragma unroll
        for (int step = 0; step < STEPS; step++)
            load_left(steps[step], tile + warp * (TILE * ROW_BYTES) + left_place(lane), step);
#else
        address = tile + warp * (TILE * ROW_BYTES) + left_place(lane);
#endif
    }

    __device__ __forceinline__ LeftStep step(int i) const
    {
#if BF16 && !GROUPS
        return steps[i];
#else
        LeftStep left;
        load_left(left, address, i);
        return left;
#endif
    }
};

// products[n] = rows of the warp times COLUMNS rows of a tile, 8 per n. tile: the address of the first of them. The results are there after end_products.
template <int COLUMNS>
static __device__ __forceinline__ void multiply_rows(float (&products)[COLUMNS / 8][4], const LeftRows& rows, unsigned tile, int lane)
{
#if GROUPS
    begin_products();
#pragma unroll
    for (int step = 0; step < STEPS; step++)
        group_multiply(products, group_operand(rows.address + 32 * step), group_operand(tile + 32 * step), step > 0);
#else
    unsigned address = tile + right_place(lane);
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; n++)
        products[n][0] = products[n][1] = products[n][2] = products[n][3] = 0;
#pragma unroll
    for (int step = 0; step < STEPS; step++)
    {
        LeftStep left = rows.step(step);
#pragma unroll
        for (int n = 0; n < COLUMNS / 8; n += 2)
        {
            unsigned right[4];
            load_matrices(right, (address ^ (32 * step)) + n * 8 * ROW_BYTES);
#if BF16
            multiply(products[n], left.parts, right[0], right[1]);
            multiply(products[n + 1], left.parts, right[2], right[3]);
#else
            multiply(products[n], left, __uint_as_float(right[0]), __uint_as_float(right[1]));
            multiply(products[n + 1], left, __uint_as_float(right[2]), __uint_as_float(right[3]));
#endif
        }
    }
#endif
}

#if BF16
// The columns 8 n to 8 n + 15 of weights as a left operand.
template <int COUNT>
static __device__ __forceinline__ void to_left(unsigned (&left)[4], const float (&weights)[COUNT][4], int n)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
        left[i] = pack_bf16(weights[n + i / 2][2 * (i & 1)], weights[n + i / 2][2 * (i & 1) + 1]);
}
#endif

// sums += weights[16, COLUMNS] times COLUMNS rows of a tile. tile: the address of the first of them. The results are there after end_products.
template <int COLUMNS>
static __device__ __forceinline__ void add_rows(float (&sums)[SUMS][4], const float (&weights)[COLUMNS / 8][4], unsigned tile, int lane)
{
#if GROUPS
    unsigned left[COLUMNS / 16][4];
#pragma unroll
    for (int n = 0; n < COLUMNS / 16; n++)
        to_left(left[n], weights, 2 * n);
    begin_products();
#pragma unroll
    for (int n = 0; n < COLUMNS / 16; n++)
        group_add(sums, left[n], group_operand(tile + n * 16 * ROW_BYTES));
#elif BF16
    unsigned address = tile + left_place(lane);
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; n += 2)
    {
        unsigned left[4];
        to_left(left, weights, n);
#pragma unroll
        for (int j = 0; j < SUMS; j += 2)
        {
            unsigned right[4];
            load_transposed_matrices(right, (address ^ (16 * j)) + n * 8 * ROW_BYTES);
            multiply(sums[j], left, right[0], right[1]);
            multiply(sums[j + 1], left, right[2], right[3]);
        }
    }
#else
    // The sum over the tile's rows may run in any order: the columns 2 t and 2 t + 1 that a lane has of the weights are its columns t and t + 4 of the operand.
    int g = lane / 4, t = lane % 4;
    unsigned even = tile + place(2 * t, g / 4) + 4 * (g % 4), odd = tile + place(2 * t + 1, g / 4) + 4 * (g % 4);
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; n++)
    {
        LeftStep left;
        split_tf32(weights[n][0], left.high[0], left.low[0]);
        split_tf32(weights[n][2], left.high[1], left.low[1]);
        split_tf32(weights[n][1], left.high[2], left.low[2]);
        split_tf32(weights[n][3], left.high[3], left.low[3]);
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
            float right0 = load_shared((even ^ (32 * j)) + n * 8 * ROW_BYTES), right1 = load_shared((odd ^ (32 * j)) + n * 8 * ROW_BYTES);
            multiply(sums[j], left, right0, right1);
        }
    }
#endif
}
