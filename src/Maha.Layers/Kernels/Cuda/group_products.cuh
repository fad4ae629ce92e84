// Products of a warpgroup (four warps) on Hopper's tensor cores, whose operands lie in shared memory. Compile option: GROUPS is 1 where the device has compute
// capability 9.0, otherwise 0.
//
// A tile is rows of 128 bytes, 64 elements in bfloat16, from a multiple of 1,024 bytes on. The 16-byte chunk c of row r lies at the place c ^ (r % 8) of its
// row: the layout that the hardware calls 128-byte swizzle. Results have the layout of mma.m16n8k16: warp i of the group has the rows 16 i + g and
// 16 i + g + 8.

#pragma once

#if GROUPS
// A tile as an operand, from an address on: groups of 8 rows are 1,024 bytes apart.
static __device__ __forceinline__ unsigned long long group_operand(unsigned address)
{
    return (unsigned long long)((address & 0x3ffff) >> 4) | (1ull << 16) | (64ull << 32) | (1ull << 62);
}

// Makes what this thread wrote to shared memory visible to the tensor cores. A barrier follows.
static __device__ __forceinline__ void publish_to_groups()
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

// Orders products after this thread's writes to the registers that they read or add to.
static __device__ __forceinline__ void begin_products()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

// Waits for the results of all products.
static __device__ __forceinline__ void end_products()
{
    asm volatile("wgmma.commit_group.sync.aligned;\n"
                 "wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

#define GROUP_SUMS                                                                                                                              \
    "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, " \
    "%29, %30, %31}"
#define GROUP_SUM(i) "+f"(sums[i][0]), "+f"(sums[i][1]), "+f"(sums[i][2]), "+f"(sums[i][3])
#define GROUP_OUTPUTS GROUP_SUM(0), GROUP_SUM(1), GROUP_SUM(2), GROUP_SUM(3), GROUP_SUM(4), GROUP_SUM(5), GROUP_SUM(6), GROUP_SUM(7)

// sums[64, 64] = left[64, 16] times the transpose of right[64, 16], or += that.
static __device__ __forceinline__ void group_multiply(float (&sums)[8][4], unsigned long long left, unsigned long long right, bool adds)
{
    asm volatile("{\n"
                 ".reg .pred adds;\n"
                 "setp.ne.b32 adds, %34, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " GROUP_SUMS ", %32, %33, adds, 1, 1, 0, 0;\n"
                 "}"
                 : GROUP_OUTPUTS
                 : "l"(left), "l"(right), "r"((int)adds));
}

// sums[64, 64] += left[64, 16], of which a warp passes its 16 rows, times right[16, 64].
static __device__ __forceinline__ void group_add(float (&sums)[8][4], const unsigned (&left)[4], unsigned long long right)
{
    asm volatile("{\n"
                 ".reg .pred adds;\n"
                 "setp.ne.b32 adds, %37, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 " GROUP_SUMS ", {%32, %33, %34, %35}, %36, adds, 1, 1, 1;\n"
                 "}"
                 : GROUP_OUTPUTS
                 : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "l"(right), "r"(1));
}
#endif
