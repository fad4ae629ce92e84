// Tiles of rows of a head in shared memory, and their products with 16 rows of a warp.
//
// A row is HEAD_DIM elements, in chunks of 16 bytes. Chunk c of row r lies at the place c ^ r (of 8 places), so that neither 8 rows of a chunk nor 8 chunks of
// a row meet in a memory bank. Bytes, not elements, decide the layout: 32 bytes of a row are 16 elements in bfloat16 and 8 in float32, and in both one step of
// a matrix instruction. The products of float32 are sums of three in TF32, which hold float32's precision.

#pragma once

#include "window_call.cuh"
#include "shared_copies.cuh"

#if BF16
#define ELEMENT_BYTES 2
#define PIECE 32 // columns whose weights are in registers at once, in the backward pass
#else
#define ELEMENT_BYTES 4
#define PIECE 16
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

// What a warp keeps of its rows between tiles: in bfloat16 the operand, in float32 the address, because the parts would take too many registers.
struct LeftRows
{
#if BF16
    LeftStep steps[STEPS];
#else
    unsigned address;
#endif

    __device__ __forceinline__ void load(unsigned leftAddress)
    {
#if BF16
#pragma unroll
        for (int step = 0; step < STEPS; step++)
            load_left(steps[step], leftAddress, step);
#else
        address = leftAddress;
#endif
    }

    __device__ __forceinline__ LeftStep step(int i) const
    {
#if BF16
        return steps[i];
#else
        LeftStep left;
        load_left(left, address, i);
        return left;
#endif
    }
};

// products[tile][n] = rows of the warp times COLUMNS rows of a tile, 8 per n. address: of the first of them, plus right_place.
template <int TILES, int COLUMNS>
static __device__ __forceinline__ void multiply_rows(float (&products)[TILES][COLUMNS / 8][4], const LeftRows (&rows)[TILES], unsigned address)
{
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
}

// sums[tile] += weights[16, COLUMNS] times COLUMNS rows of a tile. tile: the address of the first of them.
template <int TILES, int COLUMNS>
static __device__ __forceinline__ void add_rows(float (&sums)[TILES][SUMS][4], const float (&weights)[TILES][COLUMNS / 8][4], unsigned tile, int lane)
{
#if BF16
    unsigned address = tile + left_place(lane);
#pragma unroll
    for (int n = 0; n < COLUMNS / 8; n += 2)
    {
        unsigned left[TILES][4];
#pragma unroll
        for (int m = 0; m < TILES; m++)
        {
#pragma unroll
            for (int i = 0; i < 4; i++)
                left[m][i] = pack_bf16(weights[m][n + i / 2][2 * (i & 1)], weights[m][n + i / 2][2 * (i & 1) + 1]);
        }
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

// Where a warp's rows go: those before firstStored are left out, those past the valid length become zeros.
struct Target
{
    Element* document; // of its first row
    int stride;
    int firstStored;
    int valid;
    int length;
};

// Writes sums times the factors of rows g and g + 8 as the rows of the document from firstRow on. They pass through the warp's own rows of a tile, so that 16
// bytes are written at once.
template <int TILES>
static __device__ __forceinline__ void store_rows(
    unsigned char* rows, const float (&sums)[TILES][SUMS][4], const float (&factors)[TILES][2], const Target& target, int firstRow, int lane)
{
    int g = lane / 4, t = lane % 4;
    __syncwarp(); // the other lanes have read the rows
#pragma unroll
    for (int m = 0; m < TILES; m++)
    {
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            int row = m * TILE + g + 8 * r;
#pragma unroll
            for (int j = 0; j < SUMS; j++)
            {
                float first = sums[m][j][2 * r] * factors[m][r], second = sums[m][j][2 * r + 1] * factors[m][r];
#if BF16
                *(unsigned*)(rows + place(row, j) + 4 * t) = pack_bf16(first, second);
#else
                *(float2*)(rows + place(row, 2 * j + t / 2) + 8 * (t & 1)) = make_float2(first, second);
#endif
            }
        }
    }
    __syncwarp();
#pragma unroll
    for (int i = 0; i < TILES * TILE * CHUNKS / WARP_SIZE; i++)
    {
        int index = i * WARP_SIZE + lane, row = index / CHUNKS, chunk = index % CHUNKS, to = firstRow + row;
        if (to < target.firstStored || to >= target.length)
            continue;
        uint4 bytes = to < target.valid ? *(const uint4*)(rows + place(row, chunk)) : make_uint4(0, 0, 0, 0);
        *(uint4*)(target.document + (long long)to * target.stride + chunk * CHUNK_ELEMENTS) = bytes;
    }
}

// Writes zeros in place of COUNT rows, by all threads of the block.
template <int COUNT>
static __device__ __forceinline__ void clear_rows(const Target& target, int firstRow)
{
    for (int i = threadIdx.x; i < COUNT * CHUNKS; i += BLOCK)
    {
        int row = firstRow + i / CHUNKS;
        if (row >= target.firstStored && row < target.length)
            *(uint4*)(target.document + (long long)row * target.stride + i % CHUNKS * CHUNK_ELEMENTS) = make_uint4(0, 0, 0, 0);
    }
}
