// The columns that the tokens of a tile see in the key-tied forms.

#pragma once

#include "tree_softmax.cuh"

static __device__ __forceinline__ Rows<Element> token_rows(const TreeCall& call, const Element* operand, int row, int count, int head)
{
    return {operand + call.input(row, head), call.queryStride, count};
}

static __device__ __forceinline__ Rows<Element> node_rows(const TreeCall& call, const void* means, int node, int count, int head)
{
    return {(const Element*)means + call.dense(node, head), call.width(), count};
}

// Whether a row (token) of a family is hidden from another, given their places.
static __device__ __forceinline__ bool hides_token(int form, int selfAttend, int row, int column)
{
    return (form != FORM_KEY_TIED && column > row) || (!selfAttend && column == row);
}

// Calls add(keys, values, bias(column), is_hidden(row, column)) for tiles of at most 16 columns: the family's tokens, and with overlap those of the family
// before.
template <class Add>
static __device__ __forceinline__ void for_each_token_tile(const TreeCall& call, const Tile& tile, int head, Add add)
{
    Node node = call.nodes[tile.node];
    int form = call.form, selfAttend = call.selfAttend;
    int seen = form == FORM_KEY_TIED ? node.count : min(node.count, tile.offset + tile.count);
    int first = form == FORM_CAUSAL_OVERLAP && has_previous(node) ? -call.nodes[tile.node - 1].count : 0; // the family before is before it in memory
    for (int from = first; from < seen; from += TILE)
    {
        int count = min(TILE, seen - from), own = tile.offset - from;
        add(
            token_rows(call, call.key, node.first + from, count, head), token_rows(call, call.value, node.first + from, count, head),
            [](int) { return 0.0f; }, [=](int row, int column) { return hides_token(form, selfAttend, row + own, column); });
    }
}

// The same for nodes, level by level.
template <class Add>
static __device__ __forceinline__ void for_each_node_tile(const TreeCall& call, const Tile& tile, int head, Add add)
{
    Node node = call.nodes[tile.node];
    const Node* nodes = call.nodes;
    int form = call.form;
    bool overlap = form == FORM_CAUSAL_OVERLAP;
    for (int own = tile.node; node.parent >= 0;)
    {
        int above = node.parent;
        Node parent = nodes[above];
        int begin = overlap && has_previous(parent) ? nodes[above - 1].first : parent.first;
        int end = form == FORM_KEY_TIED ? parent.first + parent.count : overlap ? own - 1 : own;
        for (int from = begin; from < end; from += TILE)
        {
            int count = min(TILE, end - from), self = own - from;
            add(
                node_rows(call, call.nodeKey, from, count, head), node_rows(call, call.nodeValue, from, count, head),
                [=](int column) { return logf((float)nodes[from + column].size); }, [=](int, int column) { return column == self; });
        }
        own = above;
        node = parent;
    }
}
