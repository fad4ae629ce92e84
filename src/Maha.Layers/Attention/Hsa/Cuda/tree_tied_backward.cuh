// The backward pass of the key-tied forms, a part of hsa_backward.cu.

#pragma once

// Whether the tokens under the node own see the column, a node of the same level. Both are under the same parent or, with overlap, neighboring ones.
static __device__ __forceinline__ bool sees(int form, int own, int column)
{
    return form == FORM_KEY_TIED ? own != column : form == FORM_CAUSAL ? column < own : column < own - 1;
}

// The gradients of the means of at most 16 siblings over the tokens of a range of tiles.
extern "C" __global__ void __launch_bounds__(BLOCK, TIED_GRADIENT_BLOCKS) hsa_column_gradients(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.taskCount, call.heads);
    if (!warp.exists)
        return;
    ColumnTask task = call.tasks[warp.item];
    int head = warp.head, g = warp.g, t = warp.t, form = call.form;
    const Node* nodes = call.nodes;
    ColumnGradient<Element> column;
    column.start(node_rows(call, call.nodeKey, task.first, task.count, head), node_rows(call, call.nodeValue, task.first, task.count, head), g, t);
    float bias[2];
#pragma unroll
    for (int r = 0; r < 2; r++)
        bias[r] = logf((float)nodes[task.first + min(g + 8 * r, task.count - 1)].size);
    auto scalars = [&](int row)
    {
        long long at = call.token(row, head);
        RowScalars result = {call.logSums[at], 1, -call.rowDots[at]};
        return result;
    };

    // The tiles' ancestor at the columns' level: found once, then its right neighbors.
    int own = call.tiles[task.firstTile].node;
    for (int level = level_of(nodes[task.first]); level > 1; level--)
        own = nodes[own].parent;
    int end = nodes[own].leafFirst + nodes[own].leafCount;
    Tile next = call.tiles[task.firstTile];
    for (int i = 1; i <= task.tileCount; i++)
    {
        Tile tile = next;
        next = call.tiles[task.firstTile + min(i, task.tileCount - 1)];
        while (tile.node >= end)
        {
            own++;
            end = nodes[own].leafFirst + nodes[own].leafCount;
        }
        int ownColumn = own - task.first;
        column.add(
            token_rows(call, call.query, tile.row, tile.count, head), gradient_rows(call, tile.row, tile.count, head), call.scale, bias,
            [=](int query) { return scalars(tile.row + query); }, [=](int, int key) { return !sees(form, ownColumn, key); }, g, t);
    }
    float* partial = call.partials + ((long long)warp.item * call.heads + head) * (2 * TILE * HEAD_DIM);
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        int i = g + 8 * r;
        if (i >= task.count)
            continue;
        column.keySums.store(partial + i * HEAD_DIM, r, 1, (const float*)0, t);
        column.valueSums.store(partial + (TILE + i) * HEAD_DIM, r, 1, (const float*)0, t);
    }
}

// The sum of the partial gradients of a node.
extern "C" __global__ void __launch_bounds__(BLOCK) hsa_add_columns(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.nodeCount, call.heads);
    if (!warp.exists)
        return;
    int index = warp.item, head = warp.head, lane = warp.lane;
    Node node = call.nodes[index];
    int2 tasks = call.nodeTasks[index];
    if (node.parent < 0)
        return;
    int row = tasks.y > 0 ? index - call.tasks[tasks.x].first : 0; // in all of its tasks
    float keys[ROW_PART] = {}, values[ROW_PART] = {};
#pragma unroll 4
    for (int i = tasks.x; i < tasks.x + tasks.y; i++)
    {
        const float* partial = call.partials + ((long long)i * call.heads + head) * (2 * TILE * HEAD_DIM) + row * HEAD_DIM;
        float keyPart[ROW_PART], valuePart[ROW_PART];
        load_part(partial, lane, keyPart);
        load_part(partial + TILE * HEAD_DIM, lane, valuePart);
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
        {
            keys[k] += keyPart[k];
            values[k] += valuePart[k];
        }
    }
    float share = 1.0f / node.size;
#pragma unroll
    for (int k = 0; k < ROW_PART; k++)
    {
        keys[k] *= call.scale * share;
        values[k] *= share;
    }
    store_part(call.nodeKeyGradient + call.dense(index, head), lane, keys);
    store_part(call.nodeValueGradient + call.dense(index, head), lane, values);
}

extern "C" __global__ void __launch_bounds__(BLOCK, TIED_GRADIENT_BLOCKS) hsa_tied_gradients(const __grid_constant__ TreeCall call)
{
    __shared__ __align__(16) float above[WARPS][2][HEAD_DIM];
    WarpTask warp(call.tileCount, call.heads);
    if (!warp.exists)
        return;
    Tile tile = call.tiles[warp.item];
    int head = warp.head, lane = warp.lane, g = warp.g, t = warp.t, form = call.form, selfAttend = call.selfAttend;
    if (tile.node < 0)
    {
        clear_gradients(call, tile, head, lane);
        return;
    }
    Node node = call.nodes[tile.node];
    float(&shared)[2][HEAD_DIM] = above[threadIdx.x / WARP_SIZE];
    sum_ancestors(call, tile.node, head, lane, shared);
    auto scalars = [&](int row)
    {
        long long at = call.token(row, head);
        RowScalars result = {call.logSums[at], 1, -call.rowDots[at]};
        return result;
    };
    {
        Rows<Element> queries = token_rows(call, call.query, tile.row, tile.count, head), gradients = gradient_rows(call, tile.row, tile.count, head);
        QueryGradient<Element> query;
        query.start(queries, gradients, g, t);
#pragma unroll
        for (int r = 0; r < 2; r++)
            query.scalars[r] = scalars(tile.row + min(g + 8 * r, tile.count - 1));
        auto add = [&](const Rows<Element>& keys, const Rows<Element>& values, auto bias, auto is_hidden)
        { query.add(keys, values, call.scale, bias, is_hidden, g, t); };
        for_each_node_tile(call, tile, head, add);
        if (node.count <= TILE && form != FORM_CAUSAL_OVERLAP)
        {
            // Only these tokens see each other: the weights of the rows serve the columns.
            Pair<Element> logits[4], weights[4];
            query.add(
                token_rows(call, call.key, tile.row, tile.count, head), token_rows(call, call.value, tile.row, tile.count, head), call.scale,
                [](int) { return 0.0f; },
                [=](int row, int column) { return row >= tile.count || hides_token(form, selfAttend, row, column); }, g, t, logits, weights);
            store_gradient(call, tile, query.sums, call.queryGradient, call.scale, (const float*)0, head, g, t);
            RowSums sums;
            column_sums<Element>(logits, queries, sums, g, t);
            store_gradient(call, tile, sums, call.keyGradient, call.scale, shared[0], head, g, t);
            column_sums<Element>(weights, gradients, sums, g, t);
            store_gradient(call, tile, sums, call.valueGradient, 1, shared[1], head, g, t);
            return;
        }
        for_each_token_tile(call, tile, head, add);
        store_gradient(call, tile, query.sums, call.queryGradient, call.scale, (const float*)0, head, g, t);
    }
    ColumnGradient<Element> column;
    column.start(token_rows(call, call.key, tile.row, tile.count, head), token_rows(call, call.value, tile.row, tile.count, head), g, t);
    float bias[2] = {0, 0};
    int from = form == FORM_KEY_TIED ? 0 : tile.offset; // the first query that sees one of the tile's tokens
    int end = form == FORM_CAUSAL_OVERLAP && has_next(node) ? node.count + call.nodes[tile.node + 1].count : node.count; // the next family sees all of them
    for (; from < end; from += TILE)
    {
        int count = min(TILE, end - from), own = tile.offset - from, first = node.first + from;
        column.add(
            token_rows(call, call.query, first, count, head), gradient_rows(call, first, count, head), call.scale, bias,
            [=](int query) { return scalars(first + query); }, [=](int query, int key) { return hides_token(form, selfAttend, query, key + own); }, g, t);
    }
    store_gradient(call, tile, column.keySums, call.keyGradient, call.scale, shared[0], head, g, t);
    store_gradient(call, tile, column.valueSums, call.valueGradient, 1, shared[1], head, g, t);
}
