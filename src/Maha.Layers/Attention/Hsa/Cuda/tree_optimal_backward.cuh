// The backward pass of the optimal form, a part of hsa_backward.cu.

#pragma once

extern "C" __global__ void __launch_bounds__(POOL_BLOCK) hsa_pool_gradients(const __grid_constant__ TreeCall call)
{
    __shared__ __align__(16) float parts[POOL_WARPS][HEAD_DIM];
    int index = call.leafNodeCount + blockIdx.x / call.heads, head = blockIdx.x % call.heads;
    int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE;
    Node node = call.nodes[index];
    if (node.parent < 0)
        return;
    float sum[ROW_PART] = {};
#pragma unroll 8
    for (int i = node.leafFirst + warp; i < node.leafFirst + node.leafCount; i += POOL_WARPS)
    {
        float part[ROW_PART];
        load_part(call.nodeGradient + call.dense(i, head), lane, part);
#pragma unroll
        for (int k = 0; k < ROW_PART; k++)
            sum[k] += part[k];
    }
    store_part(parts[warp], lane, sum);
    __syncthreads();
    if (warp > 0)
        return;
    float mixed[ROW_PART], dot = 0;
    load_part(call.nodeMixed + call.dense(index, head), lane, mixed);
#pragma unroll
    for (int k = 0; k < ROW_PART; k++)
    {
        for (int w = 1; w < POOL_WARPS; w++)
            sum[k] += parts[w][ROW_PART * lane + k];
        dot += sum[k] * mixed[k];
    }
    dot = warp_sum(dot);
    store_part(call.nodeGradient + call.dense(index, head), lane, sum);
    if (lane == 0)
        call.nodeDots[call.scalar(index, head)] = dot;
}

// One block per document and head.
extern "C" __global__ void __launch_bounds__(SCALAR_BLOCK) hsa_shifts(const __grid_constant__ TreeCall call)
{
    const int2* levels = call.documents + (blockIdx.x / call.heads) * call.depth;
    int head = blockIdx.x % call.heads;
    long long base = call.scalar(0, head);
    const float *inside = call.inside + base, *outside = call.outside + base, *mass = call.mass + base, *dots = call.nodeDots + base;
    float *massGradient = call.massGradient + base, *energyGradient = call.energyGradient + base;
    const float* tileDots = call.tileDots + (long long)head * call.tileCount;
    for (int i = threadIdx.x; i < levels[0].y; i += blockDim.x)
    {
        Node node = call.nodes[levels[0].x + i];
        float sum = 0;
        for (int tile = 0; tile < (node.count + TILE - 1) / TILE; tile++)
            sum += tileDots[node.firstTile + tile];
        massGradient[levels[0].x + i] = sum;
    }
    __syncthreads();
    int depth = 1;
    for (; depth < call.depth && levels[depth].y > 0; depth++)
    {
        for (int i = threadIdx.x; i < levels[depth].y; i += blockDim.x)
        {
            Node parent = call.nodes[levels[depth].x + i];
            float sum = 0;
            for (int child = parent.first; child < parent.first + parent.count; child++)
                sum += outside[child] * dots[child] + inside[child] * massGradient[child];
            massGradient[levels[depth].x + i] = sum;
        }
        __syncthreads();
    }
    if (threadIdx.x == 0 && levels[0].y > 0)
        energyGradient[levels[depth - 1].x] = 0;
    __syncthreads();
    for (int level = depth - 2; level >= 0; level--)
    {
        for (int i = threadIdx.x; i < levels[level].y; i += blockDim.x)
        {
            int node = levels[level].x + i, parent = call.nodes[node].parent;
            float partition = -(float)call.nodes[node].size / call.nodes[parent].size * energyGradient[parent], above = mass[parent];
            float all = outside[node] * dots[node] + inside[node] * massGradient[node];
            call.shift[base + node] = outside[node] * (partition - above * all);
            energyGradient[node] = -inside[node] * (above * (massGradient[node] - all) + partition);
        }
        __syncthreads();
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK) hsa_sibling_gradients(const __grid_constant__ TreeCall call)
{
    WarpTask warp(call.familyCount, call.heads);
    if (!warp.exists)
        return;
    Family family = call.families[warp.item];
    int head = warp.head, g = warp.g, t = warp.t;
    Node parent = call.nodes[family.parent];
    const Node* nodes = call.nodes;
    auto scalars = [&](int node)
    {
        long long at = call.scalar(node, head);
        RowScalars row = {call.siblingLogSums[at], call.factor[at], call.shift[at]};
        return row;
    };
    auto rows = [&](const void* values, int first, int count)
    {
        Rows<float> result = {(const float*)values + call.dense(first, head), call.width(), count};
        return result;
    };
    Rows<float> queries = rows(call.nodeQuery, family.first, family.count), keys = rows(call.nodeKey, family.first, family.count);
    Rows<float> values = rows(call.nodeValue, family.first, family.count), gradients = rows(call.nodeGradient, family.first, family.count);
    float share[2];
#pragma unroll
    for (int r = 0; r < 2; r++)
        share[r] = 1.0f / nodes[family.first + min(g + 8 * r, family.count - 1)].size;
    auto store = [&](const RowSums& sums, float* to, float factor)
    {
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            if (g + 8 * r < family.count)
                sums.store(to + call.dense(family.first + g + 8 * r, head), r, factor * share[r], (const float*)0, t);
        }
    };
    QueryGradient<float> query;
    query.start(queries, gradients, g, t);
#pragma unroll
    for (int r = 0; r < 2; r++)
        query.scalars[r] = scalars(family.first + min(g + 8 * r, family.count - 1));
    bool isOneTile = parent.count <= TILE;
    Pair<float> logits[4], weights[4];
    for (int from = 0; from < parent.count; from += TILE)
    {
        int count = min(TILE, parent.count - from), first = parent.first + from, own = family.offset - from;
        query.add(
            rows(call.nodeKey, first, count), rows(call.nodeValue, first, count), call.scale,
            [=](int column) { return logf((float)nodes[first + column].size); },
            [=](int row, int column) { return row >= family.count || column == row + own; }, g, t, logits, weights);
    }
    store(query.sums, call.nodeQueryGradient, call.scale);
    if (isOneTile)
    {
        // The weights of the rows serve the columns.
        RowSums sums;
        column_sums<float>(logits, queries, sums, g, t);
        store(sums, call.nodeKeyGradient, call.scale);
        column_sums<float>(weights, gradients, sums, g, t);
        store(sums, call.nodeValueGradient, 1);
        return;
    }
    ColumnGradient<float> column;
    column.start(keys, values, g, t);
    float bias[2];
#pragma unroll
    for (int r = 0; r < 2; r++)
        bias[r] = logf((float)nodes[family.first + min(g + 8 * r, family.count - 1)].size);
    for (int from = 0; from < parent.count; from += TILE)
    {
        int count = min(TILE, parent.count - from), first = parent.first + from, own = family.offset - from;
        column.add(
            rows(call.nodeQuery, first, count), rows(call.nodeGradient, first, count), call.scale, bias, [=](int query) { return scalars(first + query); },
            [=](int query, int key) { return query == key + own; }, g, t);
    }
    store(column.keySums, call.nodeKeyGradient, call.scale);
    store(column.valueSums, call.nodeValueGradient, 1);
}

extern "C" __global__ void __launch_bounds__(BLOCK, LEAF_GRADIENT_BLOCKS) hsa_leaf_gradients(const __grid_constant__ TreeCall call)
{
    __shared__ __align__(16) float above[WARPS][3][HEAD_DIM];
    WarpTask warp(call.tileCount, call.heads);
    if (!warp.exists)
        return;
    Tile tile = call.tiles[warp.item];
    int head = warp.head, lane = warp.lane, g = warp.g, t = warp.t;
    if (tile.node < 0)
    {
        clear_gradients(call, tile, head, lane);
        return;
    }
    Node node = call.nodes[tile.node];
    float(&shared)[3][HEAD_DIM] = above[threadIdx.x / WARP_SIZE];
    sum_ancestors(call, tile.node, head, lane, shared);
    bool isRoot = node.parent < 0;
    float mass = isRoot ? 1 : call.mass[call.scalar(tile.node, head)];
    float partition = isRoot ? 0 : -call.energyGradient[call.scalar(tile.node, head)] / node.size;
    auto scalars = [&](int row)
    {
        long long at = call.token(row, head);
        RowScalars result = {call.logSums[at], mass, partition - mass * call.rowDots[at]};
        return result;
    };
    int hidesSelf = !call.selfAttend;
    if (node.count <= TILE)
    {
        // One tile: its weights serve rows and columns.
        Rows<Element> queries = token_rows(call, call.query, tile.row, tile.count, head), gradients = gradient_rows(call, tile.row, tile.count, head);
        Pair<Element> logits[4], weights[4];
        {
            QueryGradient<Element> query;
            query.start(queries, gradients, g, t);
#pragma unroll
            for (int r = 0; r < 2; r++)
                query.scalars[r] = scalars(tile.row + min(g + 8 * r, tile.count - 1));
            query.add(
                token_rows(call, call.key, tile.row, tile.count, head), token_rows(call, call.value, tile.row, tile.count, head), call.scale,
                [](int) { return 0.0f; }, [=](int row, int column) { return row >= tile.count || (hidesSelf && column == row); }, g, t, logits, weights);
            store_gradient(call, tile, query.sums, call.queryGradient, call.scale, shared[2], head, g, t);
        }
        RowSums sums;
        column_sums<Element>(logits, queries, sums, g, t);
        store_gradient(call, tile, sums, call.keyGradient, call.scale, shared[0], head, g, t);
        column_sums<Element>(weights, gradients, sums, g, t);
        store_gradient(call, tile, sums, call.valueGradient, 1, shared[1], head, g, t);
        return;
    }
    {
        QueryGradient<Element> query;
        query.start(token_rows(call, call.query, tile.row, tile.count, head), gradient_rows(call, tile.row, tile.count, head), g, t);
#pragma unroll
        for (int r = 0; r < 2; r++)
            query.scalars[r] = scalars(tile.row + min(g + 8 * r, tile.count - 1));
        for (int from = 0; from < node.count; from += TILE)
        {
            int count = min(TILE, node.count - from), own = tile.offset - from;
            query.add(
                token_rows(call, call.key, node.first + from, count, head), token_rows(call, call.value, node.first + from, count, head), call.scale,
                [](int) { return 0.0f; }, [=](int row, int column) { return hidesSelf && column == row + own; }, g, t);
        }
        store_gradient(call, tile, query.sums, call.queryGradient, call.scale, shared[2], head, g, t);
    }
    ColumnGradient<Element> column;
    column.start(token_rows(call, call.key, tile.row, tile.count, head), token_rows(call, call.value, tile.row, tile.count, head), g, t);
    float bias[2] = {0, 0};
    for (int from = 0; from < node.count; from += TILE)
    {
        int count = min(TILE, node.count - from), own = tile.offset - from, first = node.first + from;
        column.add(
            token_rows(call, call.query, first, count, head), gradient_rows(call, first, count, head), call.scale, bias,
            [=](int query) { return scalars(first + query); }, [=](int query, int key) { return hidesSelf && query == key + own; }, g, t);
    }
    store_gradient(call, tile, column.keySums, call.keyGradient, call.scale, shared[0], head, g, t);
    store_gradient(call, tile, column.valueSums, call.valueGradient, 1, shared[1], head, g, t);
}
