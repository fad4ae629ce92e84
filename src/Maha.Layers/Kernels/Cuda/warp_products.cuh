// What kernels share whose warps multiply tiles in their registers. A lane is (g, t) = (lane / 4, lane % 4), as in the operands of mma.m16n8k16: it has
// elements of the rows g and g + 8. Compile option: BF16 is 0 or 1.

#pragma once

#define WARP_SIZE 32
#define ALL_LANES 0xffffffffu

typedef unsigned short Bf16;

#if BF16
typedef Bf16 Element;
#else
typedef float Element;
#endif

static __device__ __forceinline__ float minus_infinity()
{
    return __int_as_float(0xff800000);
}

// Two numbers in bfloat16, the first in the low half, rounded to nearest even.
static __device__ __forceinline__ unsigned pack_bf16(float first, float second)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    unsigned packed;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(packed) : "f"(second), "f"(first));
    return packed;
#else
    unsigned low = __float_as_uint(first), high = __float_as_uint(second);
    low = first != first ? 0x7fffu : (low + 0x7fffu + ((low >> 16) & 1)) >> 16;
    high = second != second ? 0x7fffu : (high + 0x7fffu + ((high >> 16) & 1)) >> 16;
    return low | (high << 16);
#endif
}

static __device__ __forceinline__ float2 to_floats(unsigned pair)
{
    return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}

// sum[16, 8] += left[16, 16] right[16, 8].
static __device__ __forceinline__ void multiply(float (&sum)[4], const unsigned (&left)[4], unsigned right0, unsigned right1)
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
#else
    int lane = threadIdx.x % WARP_SIZE, row = lane & ~3, column = (lane & 3) * 8;
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        float2 near0 = to_floats(__shfl_sync(ALL_LANES, left[0], row + i)), far0 = to_floats(__shfl_sync(ALL_LANES, left[1], row + i));
        float2 near1 = to_floats(__shfl_sync(ALL_LANES, left[2], row + i)), far1 = to_floats(__shfl_sync(ALL_LANES, left[3], row + i));
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
            float2 first = to_floats(__shfl_sync(ALL_LANES, right0, column + 4 * n + i));
            float2 second = to_floats(__shfl_sync(ALL_LANES, right1, column + 4 * n + i));
            sum[n] += near0.x * first.x + near0.y * first.y + near1.x * second.x + near1.y * second.y;
            sum[2 + n] += far0.x * first.x + far0.y * first.y + far1.x * second.x + far1.y * second.y;
        }
    }
#endif
}

// Sums over the four lanes of a row.
static __device__ __forceinline__ float row_sum(float value)
{
    value += __shfl_xor_sync(ALL_LANES, value, 1);
    return value + __shfl_xor_sync(ALL_LANES, value, 2);
}

static __device__ __forceinline__ float row_max(float value)
{
    value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, 1));
    return fmaxf(value, __shfl_xor_sync(ALL_LANES, value, 2));
}
