// The backward pass of hierarchical attention. Weights are computed again from the saved log-sum-exps; no sum uses atomics, so gradients are reproducible.
//
// With dO of a node the sum over its tokens, a row's weights p and products g = dO . value, every logit has the gradient p (factor * g + shift):
//   optimal form, a token:  factor = mass of its family,                  shift = dZ - factor * D,  D = dO . mixed
//   optimal form, a node:   factor = mass of its parent * outside,        shift = outside * (dZ - mass of its parent * R),  R = outside * G + inside * dm
//   key-tied forms:         factor = 1,                                   shift = -D,  D = dO . out
// where dZ(B) = -|B| / |parent| * dphi(parent), dm is the gradient of a node's mass and G = dO . mixed of a node.
//
// Optimal form, five launches (two for one level): hsa_row_dots (D, and dO of the families), hsa_pool_gradients (dO and G of all nodes), hsa_shifts (scalars,
// up and down the tree), hsa_sibling_gradients (all levels at once), hsa_leaf_gradients.
// Key-tied forms, four launches (two for one level): hsa_row_dots, hsa_column_gradients (keys and values of nodes, by ranges of tokens), hsa_add_columns (their
// sum), hsa_tied_gradients.
// A token gets its share of the gradients of the means of its ancestors in the last launch. Bytes: 2 N D s for the dots, 7 N D s for the last launch, and in
// the key-tied forms 2 N D s per level above the tokens.

#include "tree_columns.cuh"

static __device__ __forceinline__ Rows<Element> gradient_rows(const TreeCall& call, int row, int count, int head)
{
    return {call.gradient + call.dense(row, head), call.width(), count};
}

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_row_dots(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.tileCount, call.heads);
    if (!warp.exists)
        return;
    Tile tile = call.tiles[warp.item];
    if (tile.node < 0)
        return;
    int head = warp.head, lane = warp.lane;
    const Element* attended = call.form == FORM_OPTIMAL ? call.mixed : call.output;
    float all = 0, sum[ROW_PART] = {};
    for (int from = 0; from < tile.count; from += 4)
    {
        float gradient[4][ROW_PART], part[4][ROW_PART];
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            int row = tile.row + min(from + i, tile.count - 1);
            load_part(call.gradient + call.dense(row, head), lane, gradient[i]);
            load_part(attended + call.dense(row, head), lane, part[i]);
        }
#pragma unroll
        for (int i = 0; i < 4; i++)
        {
            bool exists = from + i < tile.count;
            float dot = 0;
#pragma unroll
            for (int k = 0; k < ROW_PART; k++)
            {
                dot += gradient[i][k] * part[i][k];
                sum[k] += exists ? gradient[i][k] : 0;
            }
            dot = warp_sum(dot);
            all += exists ? dot : 0;
            if (exists && lane == 0)
                call.rowDots[call.token(tile.row + from + i, head)] = dot;
        }
    }
    if (call.form != FORM_OPTIMAL)
        return;
    if (lane == 0)
        call.tileDots[(long long)head * call.tileCount + warp.item] = all;
    Node node = call.nodes[tile.node];
    if (tile.offset > 0 || node.parent < 0)
        return;
    for (int i = tile.count; i < node.count; i++) // the other tiles of a large family
    {
        float gradient[ROW_PART];
        load_part(call.gradient + call.dense(node.first + i, head), lane, gradient);
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
            sum[k] += gradient[k];
    }
    float mixed[ROW_PART], dot = 0;
    load_part(call.nodeMixed + call.dense(tile.node, head), lane, mixed);
#pragma unroll
    for (int k = 0; k < ROW_PART; k++)
        dot += sum[k] * mixed[k];
    dot = warp_sum(dot);
    store_part(call.nodeGradient + call.dense(tile.node, head), lane, sum);
    if (lane == 0)
        call.nodeDots[call.scalar(tile.node, head)] = dot;
}

// The sums of a node's and its ancestors' gradients for each of its tokens, of keys, values and in the optimal form queries, as rows in shared memory.
template <int COUNT>
static __device__ __forceinline__ void sum_ancestors(const TreeCall& call, int node, int head, int lane, float (&rows)[COUNT][HEAD_DIM])
{
    const float* gradients[3] = {call.nodeKeyGradient, call.nodeValueGradient, call.nodeQueryGradient};
    float sum[COUNT][ROW_PART] = {};
    for (int parent; (parent = call.nodes[node].parent) >= 0; node = parent)
    {
        float part[COUNT][ROW_PART];
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            load_part(gradients[i] + call.dense(node, head), lane, part[i]);
#pragma unroll
        for (int i = 0; i < COUNT; i++)
        {
#pragma unroll
            for (int k = 0; k < ROW_PART; k++)
                sum[i][k] += part[i][k];
        }
    }
#pragma unroll
    for (int i = 0; i < COUNT; i++)
        store_part(rows[i], lane, sum[i]);
    __syncwarp();
}

static __device__ __forceinline__ void clear_gradients(const TreeCall& call, const Tile& tile, int head, int lane)
{
    float zeros[ROW_PART] = {};
    for (int i = 0; i < tile.count; i++)
    {
        store_part(call.queryGradient + call.result(tile.row + i, head), lane, zeros);
        store_part(call.keyGradient + call.result(tile.row + i, head), lane, zeros);
        store_part(call.valueGradient + call.result(tile.row + i, head), lane, zeros);
    }
}

static __device__ __forceinline__ void store_gradient(
    const TreeCall& call, const Tile& tile, const RowSums& sums, Element* gradient, float factor, const float* bias, int head, int g, int t)
{
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        if (g + 8 * r < tile.count)
            sums.store(gradient + call.result(tile.row + g + 8 * r, head), r, factor, bias, t);
    }
}

#include "tree_optimal_backward.cuh"
#include "tree_tied_backward.cuh"
