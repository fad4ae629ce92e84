// The forward pass of the key-tied forms, a part of hsa_forward.cu.

#pragma once

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_leaf_means(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.leafNodeCount, call.heads);
    if (!warp.exists)
        return;
    Node node = call.nodes[warp.item];
    if (node.parent < 0)
        return;
    write_leaf_mean<Element>(call, call.key, call.nodeKey, warp.item, node, warp.head, warp.lane);
    write_leaf_mean<Element>(call, call.value, call.nodeValue, warp.item, node, warp.head, warp.lane);
}

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_tied(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.tileCount, call.heads);
    if (!warp.exists)
        return;
    Tile tile = call.tiles[warp.item];
    int head = warp.head, g = warp.g, t = warp.t;
    if (tile.node < 0)
    {
        clear_rows(call, call.output, tile, head, warp.lane);
        return;
    }
    RowAttention<Element> rows;
    rows.start(token_rows(call, call.query, tile.row, tile.count, head), g, t);
    auto add = [&](const Rows<Element>& keys, const Rows<Element>& values, auto bias, auto is_hidden)
    { rows.add(keys, values, call.scale, bias, is_hidden, g, t); };
    for_each_token_tile(call, tile, head, add);
    for_each_node_tile(call, tile, head, add);
    float logSums[2];
    rows.finish(logSums);
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        int i = g + 8 * r;
        if (i >= tile.count)
            continue;
        rows.sums.store(call.output + call.dense(tile.row + i, head), r, 1, (const float*)0, t);
        if (t == 0)
            call.logSums[call.token(tile.row + i, head)] = logSums[r];
    }
}
