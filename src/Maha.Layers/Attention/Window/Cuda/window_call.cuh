// The argument that the kernels of windowed attention share: one call runs over the sequences (scales) of one or more resolutions. WindowCall in C# has the
// same layout.
//
// Query i of a sequence is in block i / window. It sees the keys of its own and both neighboring blocks; with band only those at most window tokens away, and
// the first globalKeys keys up to the end of its blocks; with causal only keys at or before itself. Keys past a document's valid length are hidden.
//
// A block of threads owns 64 queries, or keys. Those that they see, or that see them, pass by in tiles of STREAM_ROWS rows.
//
// Compile options: HEAD_DIM is 32, 64 or 128; BF16 is 0 or 1; GROUPS is 1 for products of groups of four warps (group_products.cuh), otherwise 0; STREAM_ROWS.

#pragma once

#include "warp_products.cuh"

#define WARPS 4
#define BLOCK (WARPS * WARP_SIZE)
#define TILE 16
#define BLOCK_ROWS (WARPS * TILE) // of which a warp has TILE

#define MAX_SCALES 12
#define MAX_LENGTHS 512

#define LOG2_E 1.4426950408889634f

struct WindowScale
{
    // Queries and keys have rows of their own distance, values and the gradient of the output too, in elements. Rows of documents follow each other.
    const Element* query;
    const Element* key;
    const Element* value;
    const Element* gradient;
    Element* output;        // [B, N, D]
    Element* queryGradient; // [B, N, 2D], the gradients of the keys beside it
    Element* valueGradient; // [B, N, D]

    // [B, H, N]
    float* logSums; // the log-sum-exp of a row's logits, to the base 2
    float* rowDots; // the product of a row's output and its gradient
    int queryStride;
    int valueStride;
    int gradientStride;
    int length; // N
    int window; // w, at most N
    int unused;
};

struct WindowCall
{
    WindowScale scales[MAX_SCALES];
    const int* lengthTable; // valid lengths [scales, B]; null: lengths holds them
    float* partials;        // [B * H, chunks, 2, globalKeys, HEAD_DIM]: gradients of the global keys and values over the queries of a chunk
    int* arrived;           // [B * H, global tiles]: how many chunks are done
    int scaleCount;
    int batch;
    int heads;
    int globalKeys; // at most N; with several scales 0
    int chunkRows;  // the queries of a chunk
    int chunks;
    int band;
    int causal;
    float scale; // 1 / sqrt(HEAD_DIM)
    int unused;
    int lengths[MAX_LENGTHS];

    __device__ __forceinline__ int width() const { return heads * HEAD_DIM; }

    __device__ __forceinline__ int global_tiles() const { return (globalKeys + BLOCK_ROWS - 1) / BLOCK_ROWS; }
};

// The keys that a query sees, or the queries that see a key: the rows [first, end) of the document.
struct Range
{
    int first;
    int end;
    int seen; // a query sees the keys before it in addition, the global ones up to the end of its blocks
};

// The rows of one head of one document that a block of threads computes.
struct WindowTask
{
    int document;
    int head;
    int tile;
    int valid;  // the document's valid length
    int length; // N
    int window;
    int causal;
    int band;
    int globalKeys;

    // Finds the task of a number among the tasks of all scales; heads are neighbors. Returns the scale, or -1 for none.
    __device__ __forceinline__ int find(const WindowCall& call, int index)
    {
        causal = call.causal;
        band = call.band;
        globalKeys = call.globalKeys;
        for (int scale = 0; scale < call.scaleCount; scale++)
        {
            length = call.scales[scale].length;
            int tiles = (length + BLOCK_ROWS - 1) / BLOCK_ROWS, count = call.batch * call.heads * tiles;
            if (index < count)
            {
                head = index % call.heads;
                index /= call.heads;
                tile = index % tiles;
                document = index / tiles;
                window = call.scales[scale].window;
                int place = scale * call.batch + document;
                valid = call.lengthTable ? call.lengthTable[place] : call.lengths[place];
                return scale;
            }
            index -= count;
        }
        return -1;
    }

    // The first row of the document among all rows of the scale.
    __device__ __forceinline__ long long first_row() const { return (long long)document * length; }

    // The document's first number of this head in [B, H, N].
    __device__ __forceinline__ long long first_scalar(int heads) const { return ((long long)document * heads + head) * length; }

    __device__ __forceinline__ Range keys_of(int query) const
    {
        int block = query / window;
        Range range = {max(0, block - 1) * window, min(valid, (block + 2) * window), 0};
        if (causal)
            range.end = min(range.end, query + 1);
        range.seen = min(globalKeys, range.end);
        if (band)
        {
            range.first = max(range.first, query - window);
            range.end = min(range.end, query + window + 1);
        }
        return range;
    }

    __device__ __forceinline__ Range queries_of(int key, bool isGlobal) const
    {
        int block = key / window;
        Range range = {max(0, block - 1) * window, isGlobal ? valid : min(valid, (block + 2) * window), 0};
        if (band && !isGlobal)
        {
            range.first = max(range.first, key - window);
            range.end = min(range.end, key + window + 1);
        }
        if (causal)
            range.first = max(range.first, key);
        return range;
    }
};
