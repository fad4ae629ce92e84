// Tiles of rows of a head in shared memory: their layout, what comes in and goes out, and which rows see which. Warp i of the block has the rows 16 i to
// 16 i + 15 of the 64 that the block owns.
//
// A row is HEAD_DIM elements, in chunks of 16 bytes. Chunk c of row r lies at the place c ^ r (of 8 places), so that neither 8 rows of a chunk nor 8 chunks of
// a row meet in a memory bank. Bytes, not elements, decide the layout: 32 bytes of a row are 16 elements in bfloat16 and 8 in float32, and in both one step of
// a matrix instruction.

#pragma once

#include "window_call.cuh"
#include "group_products.cuh"
#include "shared_copies.cuh"

// PIECE: the columns whose weights are in registers at once, in the backward pass.
#if BF16
#define ELEMENT_BYTES 2
#define PIECE (GROUPS ? 64 : 32)
#else
#define ELEMENT_BYTES 4
#define PIECE 16
#endif

// How many blocks of threads a multiprocessor must hold, which limits their registers.
#if BF16 && HEAD_DIM <= 64
#define FORWARD_BLOCKS 4
#define BACKWARD_BLOCKS 3
#else
#define FORWARD_BLOCKS 2
#define BACKWARD_BLOCKS 2
#endif

#define ROW_BYTES (HEAD_DIM * ELEMENT_BYTES)
#define CHUNKS (ROW_BYTES / 16)
#define CHUNK_ELEMENTS (16 / ELEMENT_BYTES)
#define STEPS (ROW_BYTES / 32)
#define SUMS (HEAD_DIM / 8)

// The place of a chunk in a tile that begins at a multiple of 8 rows.
static __device__ __forceinline__ unsigned place(int row, int chunk)
{
#if ROW_BYTES == 64
    return row * ROW_BYTES + ((chunk ^ ((row >> 1) & 3)) << 4);
#else
    return row * ROW_BYTES + ((chunk ^ (row & 7)) << 4);
#endif
}

// Waits until the tile that was copied last is in shared memory, for all threads, and all warps have left the one before.
static __device__ __forceinline__ void await_tile()
{
    wait_for_copies();
#if GROUPS
    publish_to_groups();
#endif
    __syncthreads();
}

// Begins to copy consecutive rows of a document to a tile; rows past its valid length become zeros.
template <int ROWS>
static __device__ __forceinline__ void copy_rows(unsigned tile, const Element* document, int stride, int firstRow, int valid)
{
#pragma unroll
    for (int i = 0; i < ROWS * CHUNKS / BLOCK; i++)
    {
        int index = i * BLOCK + threadIdx.x, row = index / CHUNKS, chunk = index % CHUNKS;
        bool exists = firstRow + row < valid;
        copy_16(tile + place(row, chunk), document + (long long)(exists ? firstRow + row : 0) * stride + chunk * CHUNK_ELEMENTS, exists);
    }
}

// The tiles of keys that the queries [first, last] see: those of the global keys before the window, then those of the window.
struct KeyTiles
{
    int begin;
    int globalTiles;
    int count;

    __device__ __forceinline__ KeyTiles(const WindowTask& task, int first, int last)
    {
        Range far = task.keys_of(last);
        begin = task.keys_of(first).first / STREAM_ROWS;
        globalTiles = min(begin, (far.seen + STREAM_ROWS - 1) / STREAM_ROWS);
        count = globalTiles + (max(far.end, far.seen) + STREAM_ROWS - 1) / STREAM_ROWS - begin;
    }

    __device__ __forceinline__ int first_key(int i) const { return (i < globalTiles ? i : begin + i - globalTiles) * STREAM_ROWS; }
};

static __device__ __forceinline__ bool has(const Range& range, int column)
{
    return column < range.seen || (column >= range.first && column < range.end);
}

// Whether some row of consecutive ones sees a column of a tile, and whether all see all. Later rows have later ranges.
static __device__ __forceinline__ bool is_seen(int column, const Range& firstRow, const Range& lastRow)
{
    return column < lastRow.seen || (column < lastRow.end && column + STREAM_ROWS > firstRow.first);
}

static __device__ __forceinline__ bool is_whole(int column, const Range& firstRow, const Range& lastRow)
{
    return column >= lastRow.first && column + STREAM_ROWS <= firstRow.end;
}

// The rows that decide together which tiles they skip, of the block's rows from first on: those of a warp, or of all warps if these multiply as a group.
struct OwnRows
{
    int first;
    int end;

    __device__ __forceinline__ OwnRows(int firstOfBlock, int warp)
    {
        first = firstOfBlock + (GROUPS ? 0 : warp * TILE);
        end = first + (GROUPS ? BLOCK_ROWS : TILE);
    }
};

// Where a warp's rows go: those before firstStored are left out, those past the valid length become zeros.
struct Target
{
    Element* document; // of its first row
    int stride;
    int firstStored;
    int valid;
    int length;
};

// Writes sums times the factors of rows g and g + 8 as 16 rows of the document from firstRow on. They pass through the warp's own rows of a tile, which no warp
// reads anymore, so that 16 bytes are written at once.
static __device__ __forceinline__ void store_rows(
    unsigned char* rows, const float (&sums)[SUMS][4], float near, float far, const Target& target, int firstRow, int lane)
{
    int g = lane / 4, t = lane % 4;
    const float factors[2] = {near, far};
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
            float first = sums[j][2 * r] * factors[r], second = sums[j][2 * r + 1] * factors[r];
#if BF16
            *(unsigned*)(rows + place(g + 8 * r, j) + 4 * t) = pack_bf16(first, second);
#else
            *(float2*)(rows + place(g + 8 * r, 2 * j + t / 2) + 8 * (t & 1)) = make_float2(first, second);
#endif
        }
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < TILE * CHUNKS / WARP_SIZE; i++)
    {
        int index = i * WARP_SIZE + lane, row = index / CHUNKS, chunk = index % CHUNKS, to = firstRow + row;
        if (to < target.firstStored || to >= target.length)
            continue;
        uint4 bytes = to < target.valid ? *(const uint4*)(rows + place(row, chunk)) : make_uint4(0, 0, 0, 0);
        *(uint4*)(target.document + (long long)to * target.stride + chunk * CHUNK_ELEMENTS) = bytes;
    }
}

// Writes zeros in place of the rows of a block, by all its threads.
static __device__ __forceinline__ void clear_rows(const Target& target, int firstRow)
{
    for (int i = threadIdx.x; i < BLOCK_ROWS * CHUNKS; i += BLOCK)
    {
        int row = firstRow + i / CHUNKS;
        if (row >= target.firstStored && row < target.length)
            *(uint4*)(target.document + (long long)row * target.stride + i % CHUNKS * CHUNK_ELEMENTS) = make_uint4(0, 0, 0, 0);
    }
}
