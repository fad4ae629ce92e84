// Whole rows of a head by one warp, for means, sums and copies.

#pragma once

#include "tree_tiles.cuh"

// The lane's elements of a row when a warp covers it: HEAD_DIM / 32 consecutive ones.
#define ROW_PART (HEAD_DIM / WARP_SIZE)

static __device__ __forceinline__ float to_float(Bf16 bits)
{
    return __uint_as_float((unsigned)bits << 16);
}

static __device__ __forceinline__ void load_part(const float* row, int lane, float (&part)[ROW_PART])
{
    row += ROW_PART * lane;
#if HEAD_DIM == 32
    part[0] = *row;
#elif HEAD_DIM == 64
    float2 two = *(const float2*)row;
    part[0] = two.x;
    part[1] = two.y;
#else
    float4 four = *(const float4*)row;
    part[0] = four.x;
    part[1] = four.y;
    part[2] = four.z;
    part[3] = four.w;
#endif
}

static __device__ __forceinline__ void load_part(const Bf16* row, int lane, float (&part)[ROW_PART])
{
    row += ROW_PART * lane;
#if HEAD_DIM == 32
    part[0] = to_float(*row);
#elif HEAD_DIM == 64
    float2 two = to_floats(*(const unsigned*)row);
    part[0] = two.x;
    part[1] = two.y;
#else
    uint2 four = *(const uint2*)row;
    float2 low = to_floats(four.x), high = to_floats(four.y);
    part[0] = low.x;
    part[1] = low.y;
    part[2] = high.x;
    part[3] = high.y;
#endif
}

static __device__ __forceinline__ void store_part(float* row, int lane, const float (&part)[ROW_PART])
{
    row += ROW_PART * lane;
#if HEAD_DIM == 32
    *row = part[0];
#elif HEAD_DIM == 64
    *(float2*)row = make_float2(part[0], part[1]);
#else
    *(float4*)row = make_float4(part[0], part[1], part[2], part[3]);
#endif
}

static __device__ __forceinline__ void store_part(Bf16* row, int lane, const float (&part)[ROW_PART])
{
    row += ROW_PART * lane;
#if HEAD_DIM == 32
    *row = (Bf16)pack_bf16(part[0], 0);
#elif HEAD_DIM == 64
    *(unsigned*)row = pack_bf16(part[0], part[1]);
#else
    *(uint2*)row = make_uint2(pack_bf16(part[0], part[1]), pack_bf16(part[2], part[3]));
#endif
}

static __device__ __forceinline__ float warp_sum(float value)
{
#pragma unroll
    for (int offset = WARP_SIZE / 2; offset > 0; offset /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, offset);
    return value;
}
