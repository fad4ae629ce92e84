// The arguments and tables that the kernels of hierarchical attention share.
//
// The trees of a batch are one forest over the rows of [B * N, D]. Nodes above the tokens have numbers: level by level from the lowest, and in a
// level document by document, so that the children of a node are consecutive. TreeCall in C# has the same layout.

#pragma once

#include "tree_rows.cuh"

#define WARPS 4
#define BLOCK (WARPS * WARP_SIZE)
#define POOL_WARPS 8
#define POOL_BLOCK (POOL_WARPS * WARP_SIZE)
#define SCALAR_BLOCK 1024

// How many blocks of the gradients of tokens a multiprocessor must hold: their loads wait for memory. Wider heads need more registers.
#if BF16 && HEAD_DIM <= 64
#define LEAF_GRADIENT_BLOCKS 4
#define TIED_GRADIENT_BLOCKS 3
#else
#define LEAF_GRADIENT_BLOCKS 1
#define TIED_GRADIENT_BLOCKS 1
#endif

#define FORM_OPTIMAL 0
#define FORM_KEY_TIED 1
#define FORM_CAUSAL 2
#define FORM_CAUSAL_OVERLAP 3

struct __align__(16) Node
{
    int first;      // its first child: a node, or a row of the operands if its children are tokens
    int count;      // its number of children
    int parent;     // -1: a root
    int size;       // its number of tokens
    int flags;      // level * 4, + 1 if a node of the level and document is before it, + 2 if one is after it
    int leafFirst;  // its first node of level 1
    int leafCount;  // its number of nodes of level 1
    int firstTile;  // the first tile of its tokens
};

// At most 16 tokens of one family. Without a node: rows of padding.
struct __align__(16) Tile
{
    int node;
    int row;
    int count;
    int offset; // the number of tokens of the family before it
};

// At most 16 children of a node of level 2 or above.
struct __align__(16) Family
{
    int parent;
    int first;
    int count;
    int offset;
};

// At most 16 children of a node, and a range of tiles of tokens that may see them.
struct __align__(16) ColumnTask
{
    int first;
    int count;
    int firstTile;
    int tileCount;
};

struct TreeCall
{
    // Operands: rows of D elements, queryStride elements apart, those of their gradients gradientStride elements; [B * N, D] the others.
    const Element* query;
    const Element* key;
    const Element* value;
    Element* output;
    Element* mixed; // optimal form: a token's mixed values of its family, before mass and ancestors
    const Element* gradient;
    Element* queryGradient;
    Element* keyGradient;
    Element* valueGradient;

    // Tables.
    const Node* nodes;
    const Tile* tiles;
    const Family* families;
    const int2* documents; // [B, depth]: the first node and the number of nodes of every level
    const ColumnTask* tasks;
    const int2* nodeTasks; // [nodes]: the first task and the number of tasks of a node's column tile

    // Per node and channel, [nodes, D]: means of queries (optimal form), keys and values. Float32 in the optimal form, else the operands' type.
    void* nodeQuery;
    void* nodeKey;
    void* nodeValue;
    float* nodeMixed; // optimal form: the mixed values of a node's siblings, weights normalized without the node itself

    // Per head and row, [H, B * N].
    float* logSums; // log-sum-exp of a row's logits
    float* rowDots; // the product of a row's gradient and its mixed values

    // Per head and tile, [H, tiles]: sums over the tile's rows.
    float* tileLogSums;
    float* tileDots;

    // Per head and node, [H, nodes], all of the optimal form.
    float* siblingLogSums; // log-sum-exp over the siblings
    float* energy;         // phi
    float* inside;         // the weight of the node itself
    float* outside;        // the weight of all siblings
    float* mass;
    float* factor;         // mass of the parent times outside
    float* nodeDots;       // the product of the gradient of the node's output and its mixed values
    float* massGradient;
    float* shift;          // the part of a logit's gradient that is the same for all siblings
    float* energyGradient;

    // Per node and channel, [nodes, D] in float32: the gradient of the node's output, and of its tokens through its means.
    float* nodeGradient;
    float* nodeQueryGradient;
    float* nodeKeyGradient;
    float* nodeValueGradient;
    float* partials; // [tasks, H, 2, 16, HEAD_DIM]: sums for keys and values over the tokens of one task

    long long queryStride;
    long long gradientStride;
    int heads;
    int rows;
    int nodeCount;
    int leafNodeCount;
    int tileCount;
    int familyCount;
    int taskCount;
    int depth; // the most levels of any document
    int form;
    int selfAttend;
    float scale;

    __device__ __forceinline__ int width() const { return heads * HEAD_DIM; }

    __device__ __forceinline__ long long input(int row, int head) const { return row * queryStride + head * HEAD_DIM; }

    __device__ __forceinline__ long long result(int row, int head) const { return row * gradientStride + head * HEAD_DIM; }

    __device__ __forceinline__ long long dense(int row, int head) const { return (long long)row * width() + head * HEAD_DIM; }

    __device__ __forceinline__ long long token(int row, int head) const { return (long long)head * rows + row; }

    __device__ __forceinline__ long long scalar(int node, int head) const { return (long long)head * nodeCount + node; }
};

// The task of a warp: one of count items, and a head. Warps of a block take neighboring heads, whose rows are neighbors in memory.
struct WarpTask
{
    int item;
    int head;
    int lane;
    int g;
    int t;
    bool exists;

    __device__ __forceinline__ WarpTask(int count, int heads)
    {
        long long index = (long long)blockIdx.x * WARPS + threadIdx.x / WARP_SIZE;
        item = (int)(index / heads);
        head = (int)(index % heads);
        lane = threadIdx.x % WARP_SIZE;
        g = lane / 4;
        t = lane % 4;
        exists = item < count;
    }
};

static __device__ __forceinline__ int level_of(const Node& node)
{
    return node.flags >> 2;
}

static __device__ __forceinline__ bool has_previous(const Node& node)
{
    return node.flags & 1;
}

static __device__ __forceinline__ bool has_next(const Node& node)
{
    return node.flags & 2;
}

#if BF16
#define EXP(x) __expf(x)
#else
#define EXP(x) expf(x)
#endif
