// Products of a warp's rows with tiles in shared memory. Where the hardware multiplies tiles by groups of four warps, the tiles never pass through registers.
// The products of float32 are sums of three in TF32, which hold float32's precision.

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
static __device__ __forceinline__ void multiply(float (&sum)[4], const LeftStep& left, float right0, float right1)
{
    unsigned high0, high1, low0, low1;
    split_tf32(right0, high0, low0);
    split_tf32(right1, high1, low1);
    multiply_tf32(sum, left.low, high0, high1);
    multiply_tf32(sum, left.high, low0, low1);
    multiply_tf32(sum, left.high, high0, high1);
}
#endif

#if !HAS_GROUPS
static __device__ __forceinline__ void end_products() {}
#endif

// What a warp keeps of its rows of a tile of 64 between other tiles: in bfloat16 the operand, in float32 the address, because the parts would take too many
// registers. A group needs only the tile's address.
struct LeftRows
{
#if BF16 && !HAS_GROUPS
    LeftStep steps[STEPS];
#else
    unsigned address;
#endif

    __device__ __forceinline__ void load(unsigned tile, int warp, int lane)
    {
#if HAS_GROUPS
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
#if BF16 && !HAS_GROUPS
        return steps[i];
#else
        LeftStep left;
        load_left(left, address, i);
        return left;
#endif
    }
};

// products[m][n] = rows of the warp times COLUMNS rows of a tile, 8 per n. tile: the address of the first of them. The results are there after end_products.
template <int TILES, int COLUMNS>
static __device__ __forceinline__ void multiply_rows(float (&products)[TILES][COLUMNS / 8][4], const LeftRows (&rows)[TILES], unsigned tile, int lane)
{
#if HAS_GROUPS
    begin_products();
#pragma unroll
    for (int m = 0; m < TILES; m++)
    {
#pragma unroll
        for (int step = 0; step < STEPS; step++)
            group_multiply(products[m], group_operand(rows[m].address + 32 * step), group_operand(tile + 32 * step), step > 0);
    }
#else
    unsigned address = tile + right_place(lane);
#pragma unroll
    for (int m = 0; m < TILES; m++)
    {
#pragma unroll
        for (int n = 0; n < COLUMNS / 8; n++)
            products[m][n][0] = products[m][n][1] = products[m][n][2] = products[m][n][3] = 0;
    }
#pragma unroll
    for (int step = 0; step < STEPS; step++)
    {
        LeftStep left[TILES];
#pragma unroll
        for (int m = 0; m < TILES; m++)
            left[m] = rows[m].step(step);
#pragma unroll
        for (int n = 0; n < COLUMNS / 8; n += 2)
        {
            unsigned right[4];
            load_matrices(right, (address ^ (32 * step)) + n * 8 * ROW_BYTES);
#pragma unroll
            for (int m = 0; m < TILES; m++)
            {
#if BF16
                multiply(products[m][n], left[m].parts, right[0], right[1]);
                multiply(products[m][n + 1], left[m].parts, right[2], right[3]);
#else
                multiply(products[m][n], left[m], __uint_as_float(right[0]), __uint_as_float(right[1]));
                multiply(products[m][n + 1], left[m], __uint_as_float(right[2]), __uint_as_float(right[3]));
#endif
            }
        }
    }
#endif
}

#if BF16
// The columns 8 n to 8 n + 15 of weights as a left operand.
template <int COLUMNS>
static __device__ __forceinline__ void to_left(unsigned (&left)[4], const float (&weights)[COLUMNS][4], int n)
{
#pragma unroll
    for (int i = 0; i < 4; i++)
        left[i] = pack_bf16(weights[n + i / 2][2 * (i & 1)], weights[n + i / 2][2 * (i & 1) + 1]);
}
#endif

// sums[m] += weights[16, COLUMNS] times COLUMNS rows of a tile. tile: the address of the first of them. The results are there after end_products.
template <int TILES, int COLUMNS>
static __device__ __forceinline__ void add_rows(float (&sums)[TILES][SUMS][4], const float (&weights)[TILES][COLUMNS / 8][4], unsigned tile, int lane)
{
#if HAS_GROUPS
    unsigned left[TILES][COLUMNS / 16][4];
#pragma unroll
    for (int m = 0; m < TILES; m++)
    {
#pragma unroll
        for (int n = 0; n < COLUMNS / 16; n++)
            to_left(left[m][n], weights[m], 2 * n);
    }
    begin_products();
#pragma unroll
    for (int m = 0; m < TILES; m++)
    {
#pragma unroll
        for (int n = 0; n < COLUMNS / 16; n++)
            group_add(sums[m], left[m][n], group_operand(tile + n * 16 * ROW_BYTES));
    }
#elif BF16
    unsigned address = tile + left_place(lane);
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; n += 2)
    {
        unsigned left[TILES][4];
#pragma unroll
        for (int m = 0; m < TILES; m++)
            to_left(left[m], weights[m], n);
#pragma unroll
        for (int j = 0; j < SUMS; j += 2)
        {
            unsigned right[4];
            load_transposed_matrices(right, (address ^ (16 * j)) + n * 8 * ROW_BYTES);
#pragma unroll
            for (int m = 0; m < TILES; m++)
            {
                multiply(sums[m][j], left[m], right[0], right[1]);
                multiply(sums[m][j + 1], left[m], right[2], right[3]);
            }
        }
    }
#else
    // The sum over the tile's rows may run in any order: the columns 2 t and 2 t + 1 that a lane has of the weights are its columns t and t + 4 of the operand.
    int g = lane / 4, t = lane % 4;
    unsigned even = tile + place(2 * t, g / 4) + 4 * (g % 4), odd = tile + place(2 * t + 1, g / 4) + 4 * (g % 4);
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; n++)
    {
        LeftStep left[TILES];
#pragma unroll
        for (int m = 0; m < TILES; m++)
        {
            split_tf32(weights[m][n][0], left[m].high[0], left[m].low[0]);
            split_tf32(weights[m][n][2], left[m].high[1], left[m].low[1]);
            split_tf32(weights[m][n][1], left[m].high[2], left[m].low[2]);
            split_tf32(weights[m][n][3], left[m].high[3], left[m].low[3]);
        }
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
            float right0 = load_shared((even ^ (32 * j)) + n * 8 * ROW_BYTES), right1 = load_shared((odd ^ (32 * j)) + n * 8 * ROW_BYTES);
#pragma unroll
            for (int m = 0; m < TILES; m++)
                multiply(sums[m][j], left[m], right0, right1);
        }
    }
#endif
}
