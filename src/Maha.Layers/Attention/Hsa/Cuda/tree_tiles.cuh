// Tiles of 16 rows by 16 columns in the registers of one warp.
//
// A lane is (g, t) = (lane / 4, lane % 4), as in the operands of mma.m16n8k16. The sum over the head's elements may run in any order, so a lane
// loads 8 consecutive elements of a row (16 bytes in bfloat16) as its share of two steps of 16, and nothing passes through shared memory. For the
// same reason the columns of an output are permuted: lane (g, t) has the elements [2 t E, 2 (t + 1) E) of the rows g and g + 8, with E = HEAD_DIM / 8.
//
// bfloat16 operands are multiplied by tensor cores with float32 sums, float32 operands in float32 by the ordinary cores.
// Compile options: HEAD_DIM is 32, 64 or 128; BF16 is 0 or 1.

#pragma once

#include "warp_products.cuh"

#define TILE 16
#define STEPS (HEAD_DIM / 16)
#define LANE_ELEMENTS (HEAD_DIM / 8)

// Pair<T>: two consecutive elements of an operand.
template <class T>
struct PairOf;

template <>
struct PairOf<Bf16>
{
    typedef unsigned Type;
    static __device__ __forceinline__ Type make(float first, float second) { return pack_bf16(first, second); }
};

template <>
struct PairOf<float>
{
    typedef float2 Type;
    static __device__ __forceinline__ Type make(float first, float second) { return make_float2(first, second); }
};

template <class T>
using Pair = typename PairOf<T>::Type;

// Element i % 2 of a and of b as a pair.
static __device__ __forceinline__ unsigned join(unsigned a, unsigned b, int second)
{
    return second ? (a >> 16) | (b & 0xffff0000u) : (a & 0xffffu) | (b << 16);
}

static __device__ __forceinline__ float2 join(float2 a, float2 b, int second)
{
    return second ? make_float2(a.y, b.y) : make_float2(a.x, b.x);
}

static __device__ __forceinline__ float2 to_floats(float2 pair)
{
    return pair;
}

// Loads COUNT elements (4 or 8), or zeros where there is no row.
template <int COUNT>
static __device__ __forceinline__ void load_pairs(const Bf16* from, unsigned (&pairs)[COUNT / 2])
{
    if (COUNT == 8)
    {
        uint4 bits = from ? *(const uint4*)from : make_uint4(0, 0, 0, 0);
        pairs[0] = bits.x;
        pairs[1] = bits.y;
        pairs[COUNT / 2 - 2] = bits.z;
        pairs[COUNT / 2 - 1] = bits.w;
    }
    else
    {
        uint2 bits = from ? *(const uint2*)from : make_uint2(0, 0);
        pairs[0] = bits.x;
        pairs[1] = bits.y;
    }
}

template <int COUNT>
static __device__ __forceinline__ void load_pairs(const float* from, float2 (&pairs)[COUNT / 2])
{
#pragma unroll
    for (int i = 0; i < COUNT / 4; i++)
    {
        float4 four = from ? *(const float4*)(from + 4 * i) : make_float4(0, 0, 0, 0);
        pairs[2 * i] = make_float2(four.x, four.y);
        pairs[2 * i + 1] = make_float2(four.z, four.w);
    }
}

static __device__ __forceinline__ float2 shuffle(float2 pair, int lane)
{
    return make_float2(__shfl_sync(ALL_LANES, pair.x, lane), __shfl_sync(ALL_LANES, pair.y, lane));
}

static __device__ __forceinline__ void multiply(float (&sum)[4], const float2 (&left)[4], float2 right0, float2 right1)
{
    int lane = threadIdx.x % WARP_SIZE, row = lane & ~3, column = (lane & 3) * 8;
#pragma unroll 1 // The unrolled kernels would take long to compile.
    for (int i = 0; i < 4; i++)
    {
        float2 near0 = shuffle(left[0], row + i), far0 = shuffle(left[1], row + i);
        float2 near1 = shuffle(left[2], row + i), far1 = shuffle(left[3], row + i);
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
            float2 first = shuffle(right0, column + 4 * n + i), second = shuffle(right1, column + 4 * n + i);
            sum[n] += near0.x * first.x + near0.y * first.y + near1.x * second.x + near1.y * second.y;
            sum[2 + n] += far0.x * first.x + far0.y * first.y + far1.x * second.x + far1.y * second.y;
        }
    }
}

// 16 rows as the left operand of products over the head's elements.
template <class T>
struct LeftRows
{
    Pair<T> steps[STEPS][4];

    // Rows g and g + 8 of this lane; null for none.
    __device__ __forceinline__ void load(const T* near, const T* far, int t)
    {
#pragma unroll
        for (int chunk = 0; chunk < STEPS / 2; chunk++)
        {
            Pair<T> a[4], b[4];
            load_pairs<8>(near ? near + 32 * chunk + 8 * t : near, a);
            load_pairs<8>(far ? far + 32 * chunk + 8 * t : far, b);
#pragma unroll
            for (int half = 0; half < 2; half++)
            {
                steps[2 * chunk + half][0] = a[2 * half];
                steps[2 * chunk + half][1] = b[2 * half];
                steps[2 * chunk + half][2] = a[2 * half + 1];
                steps[2 * chunk + half][3] = b[2 * half + 1];
            }
        }
    }

    // sum[16, 8] += these rows times 8 rows, of which the lane's is row g; null for none.
    __device__ __forceinline__ void dot(float (&sum)[4], const T* right, int t) const
    {
#pragma unroll
        for (int chunk = 0; chunk < STEPS / 2; chunk++)
        {
            Pair<T> b[4];
            load_pairs<8>(right ? right + 32 * chunk + 8 * t : right, b);
            multiply(sum, steps[2 * chunk], b[0], b[1]);
            multiply(sum, steps[2 * chunk + 1], b[2], b[3]);
        }
    }
};

// 16 consecutive rows of which the first count exist, a fixed number of elements apart.
template <class T>
struct Rows
{
    const T* first;
    long long stride;
    int count;

    __device__ __forceinline__ const T* row(int i) const { return i < count ? first + i * stride : (const T*)0; }
};

// A result of [16, HEAD_DIM]: in [.][0] and [1] the lane's elements of row g, in [2] and [3] those of row g + 8.
struct RowSums
{
    float at[LANE_ELEMENTS][4];

    __device__ __forceinline__ void clear()
    {
#pragma unroll
        for (int u = 0; u < LANE_ELEMENTS; u++)
            at[u][0] = at[u][1] = at[u][2] = at[u][3] = 0;
    }

    __device__ __forceinline__ void scale(float near, float far)
    {
#pragma unroll
        for (int u = 0; u < LANE_ELEMENTS; u++)
        {
            at[u][0] *= near;
            at[u][1] *= near;
            at[u][2] *= far;
            at[u][3] *= far;
        }
    }

    // += weights[16, 16] rows[16, HEAD_DIM].
    template <class T>
    __device__ __forceinline__ void add(const Pair<T> (&weights)[4], const Rows<T>& rows, int g, int t)
    {
        const int piece = LANE_ELEMENTS < 8 ? 4 : 8;
#pragma unroll
        for (int from = 0; from < LANE_ELEMENTS; from += piece)
        {
            Pair<T> loaded[4][piece / 2];
#pragma unroll
            for (int i = 0; i < 4; i++)
            {
                const T* row = rows.row(2 * t + (i & 1) + 8 * (i >> 1));
                load_pairs<piece>(row ? row + LANE_ELEMENTS * g + from : row, loaded[i]);
            }
#pragma unroll
            for (int u = 0; u < piece; u++)
                multiply(at[from + u], weights, join(loaded[0][u / 2], loaded[1][u / 2], u & 1), join(loaded[2][u / 2], loaded[3][u / 2], u & 1));
        }
    }

    // Writes the lane's elements of row g (half 0) or g + 8 (half 1) times a factor; bias is null, or a row to add.
    template <class T>
    __device__ __forceinline__ void store(T* row, int half, float factor, const float* bias, int t) const
    {
        row += 2 * LANE_ELEMENTS * t;
        if (bias)
            bias += 2 * LANE_ELEMENTS * t;
#pragma unroll
        for (int from = 0; from < 2 * LANE_ELEMENTS; from += 8)
        {
            float eight[8];
#pragma unroll
            for (int i = 0; i < 8; i++)
            {
                const int n = (from + i) / LANE_ELEMENTS, u = (from + i) % LANE_ELEMENTS;
                eight[i] = factor * at[u][2 * half + n] + (bias ? bias[from + i] : 0);
            }
            store_eight(row + from, eight);
        }
    }

    static __device__ __forceinline__ void store_eight(float* to, const float (&eight)[8])
    {
        *(float4*)to = make_float4(eight[0], eight[1], eight[2], eight[3]);
        *(float4*)(to + 4) = make_float4(eight[4], eight[5], eight[6], eight[7]);
    }

    static __device__ __forceinline__ void store_eight(Bf16* to, const float (&eight)[8])
    {
        *(uint4*)to = make_uint4(
            pack_bf16(eight[0], eight[1]), pack_bf16(eight[2], eight[3]), pack_bf16(eight[4], eight[5]), pack_bf16(eight[6], eight[7]));
    }
};
