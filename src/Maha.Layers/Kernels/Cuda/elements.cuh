// Elements of tensors, float32 or (with -DBFLOAT16) bfloat16, read and written as float, 16 bytes at a time.
#pragma once

#ifdef BFLOAT16
typedef unsigned short Element;
#define PER_VECTOR 8
#else
typedef float Element;
#define PER_VECTOR 4
#endif

__device__ __forceinline__ float to_float(unsigned short bits) { return __uint_as_float((unsigned)bits << 16); }

__device__ __forceinline__ float to_float(float value) { return value; }

// The nearest bfloat16, ties to even; not-a-numbers stay such.
__device__ __forceinline__ unsigned short to_bfloat16(float value)
{
    unsigned bits = __float_as_uint(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return 0x7fff;
    return (unsigned short)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

__device__ __forceinline__ void store(unsigned short* target, float value) { *target = to_bfloat16(value); }

__device__ __forceinline__ void store(float* target, float value) { *target = value; }

// The value that is left after storing.
__device__ __forceinline__ float rounded(float value)
{
#ifdef BFLOAT16
    return to_float(to_bfloat16(value));
#else
    return value;
#endif
}

// source and target are divisible by 16 bytes.
__device__ __forceinline__ void load_vector(const Element* source, float* values)
{
    uint4 packed = *(const uint4*)source;
    const unsigned words[4] = {packed.x, packed.y, packed.z, packed.w};
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
#ifdef BFLOAT16
        values[2 * i] = __uint_as_float(words[i] << 16);
        values[2 * i + 1] = __uint_as_float(words[i] & 0xffff0000u);
#else
        values[i] = __uint_as_float(words[i]);
#endif
    }
}

__device__ __forceinline__ void store_vector(Element* target, const float* values)
{
    unsigned words[4];
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
#ifdef BFLOAT16
        words[i] = (unsigned)to_bfloat16(values[2 * i]) | ((unsigned)to_bfloat16(values[2 * i + 1]) << 16);
#else
        words[i] = __float_as_uint(values[i]);
#endif
    }
    *(uint4*)target = make_uint4(words[0], words[1], words[2], words[3]);
}

// The sum over the lanes of a warp, the same in each.
__device__ __forceinline__ float warp_sum(float value)
{
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1)
        value += __shfl_xor_sync(0xffffffffu, value, offset);
    return value;
}
