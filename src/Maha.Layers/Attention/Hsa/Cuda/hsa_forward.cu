// The forward pass of hierarchical attention. Equations: OptimalTreeAttention and KeyTiedAttention in C#.
//
// Optimal form, any depth, five launches (one if no document has more than one level):
//   hsa_leaf       tokens: softmax within each family. Reads q, k, v; writes the mixed values, log-sum-exps and the means of the families (1/b of q, k, v).
//   hsa_pool       the means of all nodes above, each from its nodes of level 1.
//   hsa_siblings   all levels at once: softmax of each node over its siblings without itself, whose own weight is not known yet.
//   hsa_masses     per document and head, scalars only: phi up the tree, own weights, masses down.
//   hsa_ancestors  out = mass * mixed + the ancestors' mixed values. Reads mixed, writes out.
// Bytes for N tokens of width D and s bytes: 6 N D s, and (1/b) N D * 40 for the nodes.
//
// Key-tied forms, three launches (one for one level):
//   hsa_leaf_means, hsa_pool, and hsa_tied: softmax of a tile's tokens over their family and the seen nodes of all levels. 6 N D s bytes.
//
// A warp computes a tile of at most 16 tokens (or children of a node) of one family and one head, with the columns in tiles of 16, in registers
// (tree_tiles.cuh). Families of any size are loops over tiles. Sums run in an order that only the tree defines: results are reproducible, and in the
// causal forms a later token changes no bit of an earlier row. Row and node scalars, and all of the optimal form above the tokens, are float32.

#include "tree_columns.cuh"

static __device__ __forceinline__ void clear_rows(const TreeCall& call, Element* rows, const Tile& tile, int head, int lane)
{
    float zeros[ROW_PART] = {};
    for (int i = 0; i < tile.count; i++)
        store_part(rows + call.dense(tile.row + i, head), lane, zeros);
}

// The mean of a family's rows of one operand.
template <class T, class U>
static __device__ __forceinline__ void write_mean(const T* rows, long long stride, int count, U* mean, int lane)
{
    float sum[ROW_PART] = {};
#pragma unroll 8
    for (int i = 0; i < count; i++)
    {
        float part[ROW_PART];
        load_part(rows + i * stride, lane, part);
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
            sum[k] += part[k];
    }
#pragma unroll
    for (int k = 0; k < ROW_PART; k++)
        sum[k] /= count;
    store_part(mean, lane, sum);
}

template <class U>
static __device__ __forceinline__ void write_leaf_mean(
    const TreeCall& call, const Element* operand, void* means, int index, const Node& node, int head, int lane)
{
    write_mean(operand + call.input(node.first, head), call.queryStride, node.count, (U*)means + call.dense(index, head), lane);
}

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_leaf(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.tileCount, call.heads);
    if (!warp.exists)
        return;
    Tile tile = call.tiles[warp.item];
    int head = warp.head, lane = warp.lane, g = warp.g, t = warp.t;
    if (tile.node < 0)
    {
        clear_rows(call, call.output, tile, head, lane);
        return;
    }
    Node node = call.nodes[tile.node];
    RowAttention<Element> rows;
    rows.start(token_rows(call, call.query, tile.row, tile.count, head), g, t);
    for (int from = 0; from < node.count; from += TILE)
    {
        int count = min(TILE, node.count - from), own = tile.offset - from;
        bool hidesSelf = !call.selfAttend;
        rows.add(
            token_rows(call, call.key, node.first + from, count, head), token_rows(call, call.value, node.first + from, count, head), call.scale,
            [](int) { return 0.0f; }, [=](int row, int column) { return hidesSelf && column == row + own; }, g, t);
    }
    float logSums[2];
    rows.finish(logSums);
    float tileSum = 0;
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        int i = g + 8 * r;
        if (i >= tile.count)
            continue;
        rows.sums.store(call.mixed + call.dense(tile.row + i, head), r, 1, (const float*)0, t);
        if (t == 0)
        {
            call.logSums[call.token(tile.row + i, head)] = logSums[r];
            tileSum += logSums[r];
        }
    }
    tileSum = warp_sum(tileSum);
    if (lane == 0)
        call.tileLogSums[(long long)head * call.tileCount + warp.item] = tileSum;
    if (tile.offset > 0 || node.parent < 0)
        return;
    write_leaf_mean<float>(call, call.query, call.nodeQuery, tile.node, node, head, lane);
    write_leaf_mean<float>(call, call.key, call.nodeKey, tile.node, node, head, lane);
    write_leaf_mean<float>(call, call.value, call.nodeValue, tile.node, node, head, lane);
}

// The means of a node of level 2 or above from its nodes of level 1, by a block: warp w sums the nodes w, w + POOL_WARPS, ...
template <class T, int COUNT>
static __device__ __forceinline__ void pool(const TreeCall& call, T* (&means)[COUNT], const Node& node, int index, int head)
{
    __shared__ __align__(16) float parts[POOL_WARPS][COUNT][HEAD_DIM];
    int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE;
    float sum[COUNT][ROW_PART] = {};
#pragma unroll 8
    for (int i = node.leafFirst + warp; i < node.leafFirst + node.leafCount; i += POOL_WARPS)
    {
        float part[COUNT][ROW_PART], share = (float)call.nodes[i].size / node.size;
#pragma unroll
        for (int n = 0; n < COUNT; n++)
            load_part(means[n] + call.dense(i, head), lane, part[n]);
#pragma unroll
        for (int n = 0; n < COUNT; n++)
        {
#pragma unroll
            for (int k = 0; k < ROW_PART; k++)
                sum[n][k] += share * part[n][k];
        }
    }
#pragma unroll
    for (int n = 0; n < COUNT; n++)
        store_part(parts[warp][n], lane, sum[n]);
    __syncthreads();
    if (warp >= COUNT)
        return;

    // Each of the first warps adds the sums of one kind.
    float total[ROW_PART] = {};
    for (int w = 0; w < POOL_WARPS; w++)
    {
        float part[ROW_PART];
        load_part(parts[w][warp], lane, part);
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
            total[k] += part[k];
    }
    T* to = means[0];
#pragma unroll
    for (int n = 1; n < COUNT; n++)
        to = warp == n ? means[n] : to;
    store_part(to + call.dense(index, head), lane, total);
}

extern "C" __global__ void __launch_bounds__(POOL_BLOCK) hsa_pool(const __grid_constant__ TreeCall call)
{
    int index = call.leafNodeCount + blockIdx.x / call.heads, head = blockIdx.x % call.heads;
    Node node = call.nodes[index];
    if (node.parent < 0)
        return;
    if (call.form == FORM_OPTIMAL)
    {
        float* means[3] = {(float*)call.nodeQuery, (float*)call.nodeKey, (float*)call.nodeValue};
        pool(call, means, node, index, head);
    }
    else
    {
        Element* means[2] = {(Element*)call.nodeKey, (Element*)call.nodeValue};
        pool(call, means, node, index, head);
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_siblings(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.familyCount, call.heads);
    if (!warp.exists)
        return;
    Family family = call.families[warp.item];
    int head = warp.head, g = warp.g, t = warp.t, width = call.width();
    Node parent = call.nodes[family.parent];
    RowAttention<float> rows;
    rows.start({(const float*)call.nodeQuery + call.dense(family.first, head), width, family.count}, g, t);
    for (int from = 0; from < parent.count; from += TILE)
    {
        int count = min(TILE, parent.count - from), first = parent.first + from, own = family.offset - from;
        const Node* nodes = call.nodes;
        rows.add(
            {(const float*)call.nodeKey + call.dense(first, head), width, count}, {(const float*)call.nodeValue + call.dense(first, head), width, count},
            call.scale, [=](int column) { return logf((float)nodes[first + column].size); },
            [=](int row, int column) { return column == row + own; }, g, t);
    }
    float logSums[2];
    rows.finish(logSums);
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        int i = g + 8 * r;
        if (i >= family.count)
            continue;
        rows.sums.store(call.nodeMixed + call.dense(family.first + i, head), r, 1, (const float*)0, t);
        if (t == 0)
            call.siblingLogSums[call.scalar(family.first + i, head)] = logSums[r];
    }
}

// One block per document and head.
extern "C" __global__ void __launch_bounds__(SCALAR_BLOCK) hsa_masses(const __grid_constant__ TreeCall call)
{
    const int2* levels = call.documents + (blockIdx.x / call.heads) * call.depth;
    int head = blockIdx.x % call.heads;
    long long base = call.scalar(0, head);
    float *energy = call.energy + base, *inside = call.inside + base, *outside = call.outside + base, *mass = call.mass + base;
    const float* tileLogSums = call.tileLogSums + (long long)head * call.tileCount;
    for (int i = threadIdx.x; i < levels[0].y; i += blockDim.x)
    {
        Node node = call.nodes[levels[0].x + i];
        float sum = 0;
        for (int tile = 0; tile < (node.count + TILE - 1) / TILE; tile++)
            sum += tileLogSums[node.firstTile + tile];
        energy[levels[0].x + i] = -sum / node.size;
    }
    __syncthreads();
    int depth = 1;
    for (; depth < call.depth && levels[depth].y > 0; depth++)
    {
        // mass holds the log-sum-exp of a node's row until the masses are known.
        for (int i = threadIdx.x; i < levels[depth - 1].y; i += blockDim.x)
        {
            int node = levels[depth - 1].x + i;
            float own = -energy[node], siblings = call.siblingLogSums[base + node], largest = fmaxf(own, siblings);
            bool empty = largest == minus_infinity();
            float ownWeight = empty ? 0 : expf(own - largest), siblingWeight = empty ? 0 : expf(siblings - largest);
            float total = ownWeight + siblingWeight;
            inside[node] = empty ? 0 : ownWeight / total;
            outside[node] = empty ? 0 : siblingWeight / total;
            mass[node] = empty ? minus_infinity() : largest + logf(total);
        }
        __syncthreads();
        for (int i = threadIdx.x; i < levels[depth].y; i += blockDim.x)
        {
            Node parent = call.nodes[levels[depth].x + i];
            float sum = 0;
            for (int child = parent.first; child < parent.first + parent.count; child++)
                sum += call.nodes[child].size * mass[child];
            energy[levels[depth].x + i] = -sum / parent.size;
        }
        __syncthreads();
    }
    if (threadIdx.x == 0 && levels[0].y > 0)
        mass[levels[depth - 1].x] = 1;
    __syncthreads();
    for (int level = depth - 2; level >= 0; level--)
    {
        for (int i = threadIdx.x; i < levels[level].y; i += blockDim.x)
        {
            int node = levels[level].x + i;
            float above = mass[call.nodes[node].parent];
            mass[node] = above * inside[node];
            call.factor[base + node] = above * outside[node];
        }
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_ancestors(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.tileCount, call.heads);
    if (!warp.exists)
        return;
    Tile tile = call.tiles[warp.item];
    int head = warp.head, lane = warp.lane;
    if (tile.node < 0)
        return;
    float mass = call.mass[call.scalar(tile.node, head)], above[ROW_PART] = {};
    for (int node = tile.node, parent; (parent = call.nodes[node].parent) >= 0; node = parent)
    {
        float part[ROW_PART], factor = call.factor[call.scalar(node, head)];
        load_part(call.nodeMixed + call.dense(node, head), lane, part);
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
            above[k] += factor * part[k];
    }
    float rows[TILE][ROW_PART] = {};
#pragma unroll
    for (int i = 0; i < TILE; i++)
    {
        if (i < tile.count)
            load_part(call.mixed + call.dense(tile.row + i, head), lane, rows[i]);
    }
#pragma unroll
    for (int i = 0; i < TILE; i++)
    {
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
            rows[i][k] = above[k] + mass * rows[i][k];
        if (i < tile.count)
            store_part(call.output + call.dense(tile.row + i, head), lane, rows[i]);
    }
}

#include "tree_tied_forward.cuh"
