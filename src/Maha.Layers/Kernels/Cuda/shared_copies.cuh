// Copies between global memory, shared memory and the registers of a warp. They need compute capability 8.0. An address is one in the window of shared
// memory.

#pragma once

static __device__ __forceinline__ unsigned shared_address(const void* pointer)
{
    return (unsigned)__cvta_generic_to_shared(pointer);
}

// Begins to copy 16 bytes to shared memory, or zeros if they do not exist. The source must be readable either way.
static __device__ __forceinline__ void copy_16(unsigned to, const void* from, bool exists)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(exists ? 16 : 0));
}

// The same with 4 bytes.
static __device__ __forceinline__ void copy_4(unsigned to, const void* from, bool exists)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(to), "l"(from), "r"(exists ? 4 : 0));
}

// Waits for the copies of this thread. A barrier makes them visible to the others.
static __device__ __forceinline__ void wait_for_copies()
{
    asm volatile("cp.async.wait_all;" ::: "memory");
}

// Loads four matrices of 8 rows of 16 bytes. Lane 8 i + r passes the address of row r of matrix i; each lane gets the bytes [4 t, 4 t + 4) of row g.
static __device__ __forceinline__ void load_matrices(unsigned (&matrices)[4], unsigned address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
                 : "r"(address));
}

// The same of the transposed matrices of 8 x 8 elements of 2 bytes: each lane gets column g of the rows 2 t and 2 t + 1.
static __device__ __forceinline__ void load_transposed_matrices(unsigned (&matrices)[4], unsigned address)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(matrices[0]), "=r"(matrices[1]), "=r"(matrices[2]), "=r"(matrices[3])
                 : "r"(address));
}

// Loads a float.
static __device__ __forceinline__ float load_shared(unsigned address)
{
    float value;
    asm volatile("ld.shared.f32 %0, [%1];" : "=f"(value) : "r"(address));
    return value;
}

// A float as a sum of two in TF32, the format of tensor cores with a mantissa of 10 bits: together they hold all but the last one or two of its bits.
static __device__ __forceinline__ void split_tf32(float value, unsigned& high, unsigned& low)
{
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(high) : "f"(value));
    high &= 0xffffe000u;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(low) : "f"(value - __uint_as_float(high)));
}

// sum[16, 8] += left[16, 8] right[8, 8] in TF32.
static __device__ __forceinline__ void multiply_tf32(float (&sum)[4], const unsigned (&left)[4], unsigned right0, unsigned right1)
{
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}

// 2^x; 0 for minus infinity.
static __device__ __forceinline__ float exp2_fast(float x)
{
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}
