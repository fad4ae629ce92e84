// The backward pass of windowed attention, two launches for all scales: window_query_gradients, then window_key_gradients. Both compute the weights again from
// the saved log-sum-exps. A block of threads owns BLOCK_ROWS queries, or keys, of one head, and sums over what passes through shared memory in a fixed
// order, without atomics: gradients are reproducible.
//
// With weights p, products q = dO . value and D = dO . output of a query, a logit has the gradient p (q - D).
//
// Global keys are seen by all queries. Tasks of their own sum over chunks of queries, and the last of them to end adds the chunks in order.

#include "window_gradients.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, BACKWARD_BLOCKS) window_query_gradients(const __grid_constant__ WindowCall call)
{
    extern __shared__ __align__(1024) unsigned char memory[];
    WindowTask task;
    const WindowScale& scale = call.scales[task.find(call, blockIdx.x)];
    const int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE, g = lane / 4;
    const int first = task.tile * BLOCK_ROWS, column = task.head * HEAD_DIM, valid = task.valid, width = call.width();
    if (task.tile == 0)
    {
        for (int i = threadIdx.x; i < call.global_tiles(); i += BLOCK)
            call.arrived[(task.document * call.heads + task.head) * call.global_tiles() + i] = 0;
    }
    const Target target = {scale.queryGradient + task.first_row() * (2 * width) + column, 2 * width, 0, valid, task.length};
    if (first >= valid)
    {
        clear_rows(target, first);
        return;
    }
    const Element* queries = scale.query + task.first_row() * scale.queryStride + column;
    const Element* gradients = scale.gradient + task.first_row() * scale.gradientStride + column;
    const Element* keys = scale.key + task.first_row() * scale.queryStride + column;
    const Element* values = scale.value + task.first_row() * scale.valueStride + column;
    const unsigned queryTile = shared_address(memory), gradientTile = queryTile + BLOCK_ROWS * ROW_BYTES;
    const unsigned stages = gradientTile + BLOCK_ROWS * ROW_BYTES;
    const KeyTiles tiles(task, first, min(first + BLOCK_ROWS, valid) - 1);
    auto copy = [&](int i)
    {
        unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        copy_rows<STREAM_ROWS>(stage, keys, scale.queryStride, tiles.first_key(i), valid);
        copy_rows<STREAM_ROWS>(stage + STREAM_ROWS * ROW_BYTES, values, scale.valueStride, tiles.first_key(i), valid);
    };
    copy_rows<BLOCK_ROWS>(queryTile, queries, scale.queryStride, first, valid);
    copy_rows<BLOCK_ROWS>(gradientTile, gradients, scale.gradientStride, first, valid);
    copy(0);

    // The lanes 2 i and 2 i + 1 compute D of the warp's row i.
    const int firstRow = first + warp * TILE, dotRow = min(firstRow + lane / 2, valid - 1);
    const Element* output = scale.output + (task.first_row() + dotRow) * width + column;
    float dot = half_dot(gradients + (long long)dotRow * scale.gradientStride, output, lane % 2);
    dot += __shfl_xor_sync(ALL_LANES, dot, 1);
    if (lane % 2 == 0 && firstRow + lane / 2 < valid)
        scale.rowDots[task.first_scalar(call.heads) + dotRow] = dot;

    // Rows past the valid length compute what the last valid one sees, and are not stored.
    auto query_of = [&](int r) { return min(firstRow + g + 8 * r, valid - 1); };
    float2 scalars[2];
#pragma unroll
    for (int r = 0; r < 2; r++)
        scalars[r] = make_float2(scale.logSums[task.first_scalar(call.heads) + query_of(r)], __shfl_sync(ALL_LANES, dot, 2 * g + 16 * r));
    const OwnRows own(first, warp);
    RowGradients rows;
    rows.clear();
    rows.near = task.keys_of(min(own.first, valid - 1));
    rows.far = task.keys_of(min(own.end, valid) - 1);
    for (int i = 0; i < tiles.count; i++)
    {
        await_tile();
        if (i + 1 < tiles.count)
            copy(i + 1);
        if (i == 0)
            rows.load(queryTile, gradientTile, warp, lane);
        const int key = tiles.first_key(i);
        if (own.first >= valid || !is_seen(key, rows.near, rows.far))
            continue;
        const unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        rows.add<false>(
            stage, stage + STREAM_ROWS * ROW_BYTES, key, call.scale * LOG2_E, [&](int r) { return task.keys_of(query_of(r)); },
            [&](int r, int) { return scalars[r]; }, lane);
    }
    __syncthreads(); // the results replace the queries
    store_rows(memory + warp * (TILE * ROW_BYTES), rows.firstSums, call.scale, call.scale, target, firstRow, lane);
}

// Adds the chunks of the gradients of a tile of global keys, in order, and stores them.
static __device__ void store_global(const WindowCall& call, const WindowScale& scale, const WindowTask& task, int first, int count)
{
    const int width = call.width(), column = task.head * HEAD_DIM, head = task.document * call.heads + task.head;
    const float* partials = call.partials + (long long)head * call.chunks * (2 * call.globalKeys * HEAD_DIM);
    for (int i = threadIdx.x; i < 2 * count * (HEAD_DIM / 2); i += BLOCK)
    {
        const int pair = 2 * (i % (HEAD_DIM / 2)), key = first + i / (HEAD_DIM / 2) % count, isValue = i / (HEAD_DIM / 2) / count;
        float2 sum = make_float2(0, 0);
        for (int chunk = 0; chunk < call.chunks && key < task.valid; chunk++)
        {
            const volatile float* part = partials + ((2ll * chunk + isValue) * call.globalKeys + key) * HEAD_DIM + pair;
            sum.x += part[0];
            sum.y += part[1];
        }
        const float factor = isValue ? 1 : call.scale;
        Element* to = isValue ? scale.valueGradient + (task.first_row() + key) * width + column + pair
                              : scale.queryGradient + (task.first_row() + key) * (2 * width) + width + column + pair;
#if BF16
        *(unsigned*)to = pack_bf16(sum.x * factor, sum.y * factor);
#else
        *(float2*)to = make_float2(sum.x * factor, sum.y * factor);
#endif
    }
}

extern "C" __global__ void __launch_bounds__(BLOCK, BACKWARD_BLOCKS) window_key_gradients(const __grid_constant__ WindowCall call)
{
    extern __shared__ __align__(1024) unsigned char memory[];
    const int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE, g = lane / 4, t = lane % 4;

    // The tasks of the global keys come first, because they take longest.
    const int globalTasks = call.global_tiles() * call.chunks * call.batch * call.heads;
    const bool isGlobal = (int)blockIdx.x < globalTasks;
    WindowTask task;
    int chunk = 0, place = 0;
    if (isGlobal)
    {
        // As a task of the first scale's first tiles.
        place = blockIdx.x / call.chunks;
        chunk = blockIdx.x % call.chunks;
        const int tile = place % call.global_tiles(), head = place / call.global_tiles() % call.heads, document = place / call.global_tiles() / call.heads;
        const int tiles = (call.scales[0].length + BLOCK_ROWS - 1) / BLOCK_ROWS;
        task.find(call, (document * tiles + tile) * call.heads + head);
    }
    const WindowScale& scale = call.scales[isGlobal ? 0 : task.find(call, blockIdx.x - globalTasks)];
    const int first = task.tile * BLOCK_ROWS, column = task.head * HEAD_DIM, valid = task.valid, width = call.width();
    if (!isGlobal && first + BLOCK_ROWS <= call.globalKeys)
        return;
    const Target keyTarget = {scale.queryGradient + task.first_row() * (2 * width) + width + column, 2 * width, call.globalKeys, valid, task.length};
    const Target valueTarget = {scale.valueGradient + task.first_row() * width + column, width, call.globalKeys, valid, task.length};
    if (first >= valid && !isGlobal)
    {
        clear_rows(keyTarget, first);
        clear_rows(valueTarget, first);
        return;
    }
    const Element* queries = scale.query + task.first_row() * scale.queryStride + column;
    const Element* gradients = scale.gradient + task.first_row() * scale.gradientStride + column;
    const Element* keys = scale.key + task.first_row() * scale.queryStride + column;
    const Element* values = scale.value + task.first_row() * scale.valueStride + column;
    const float* logSums = scale.logSums + task.first_scalar(call.heads);
    const float* rowDots = scale.rowDots + task.first_scalar(call.heads);
    const unsigned keyTile = shared_address(memory), valueTile = keyTile + BLOCK_ROWS * ROW_BYTES;
    const unsigned stages = valueTile + BLOCK_ROWS * ROW_BYTES;
    const unsigned scalarBytes = 4 * STREAM_ROWS * ROW_BYTES + 2 * BLOCK_ROWS * ROW_BYTES; // before the scalars of the stages' queries
    const int firstRow = first + warp * TILE, lastRow = max(valid - 1, 0);
    auto range_of = [&](int key)
    {
        Range range = task.queries_of(min(key, lastRow), isGlobal);
        if (isGlobal)
        {
            range.first = max(range.first, chunk * call.chunkRows);
            range.end = min(range.end, (chunk + 1) * call.chunkRows);
        }
        return range;
    };
    const OwnRows own(first, warp);
    RowGradients rows;
    rows.clear();
    rows.near = range_of(own.first);
    rows.far = range_of(own.end - 1);
    const int begin = range_of(first).first / STREAM_ROWS, end = (range_of(first + BLOCK_ROWS - 1).end + STREAM_ROWS - 1) / STREAM_ROWS;
    auto copy = [&](int i)
    {
        unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        copy_rows<STREAM_ROWS>(stage, queries, scale.queryStride, i * STREAM_ROWS, valid);
        copy_rows<STREAM_ROWS>(stage + STREAM_ROWS * ROW_BYTES, gradients, scale.gradientStride, i * STREAM_ROWS, valid);
        if (threadIdx.x < 2 * STREAM_ROWS)
        {
            const int query = i * STREAM_ROWS + threadIdx.x % STREAM_ROWS;
            const float* from = (threadIdx.x < STREAM_ROWS ? logSums : rowDots) + min(query, lastRow);
            copy_4(keyTile + scalarBytes + ((i & 1) * (2 * STREAM_ROWS) + threadIdx.x) * 4, from, query < valid);
        }
    };
    copy_rows<BLOCK_ROWS>(keyTile, keys, scale.queryStride, first, valid);
    copy_rows<BLOCK_ROWS>(valueTile, values, scale.valueStride, first, valid);
    if (begin < end)
        copy(begin);
    const bool isUsed = own.first < (isGlobal ? min(valid, call.globalKeys) : valid);
    for (int i = begin; i < end; i++)
    {
        await_tile();
        if (i + 1 < end)
            copy(i + 1);
        if (i == begin)
            rows.load(keyTile, valueTile, warp, lane);
        const int query = i * STREAM_ROWS;
        if (!isUsed || !is_seen(query, rows.near, rows.far))
            continue;
        const unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        const float* scalars = (const float*)(memory + scalarBytes) + (i & 1) * (2 * STREAM_ROWS);
        rows.add<true>(
            stage, stage + STREAM_ROWS * ROW_BYTES, query, call.scale * LOG2_E, [&](int r) { return range_of(firstRow + g + 8 * r); },
            [&](int, int at) { return make_float2(scalars[at], scalars[STREAM_ROWS + at]); }, lane);
    }
    __syncthreads(); // the results replace keys and values
    if (!isGlobal)
    {
        store_rows(memory + warp * (TILE * ROW_BYTES), rows.firstSums, call.scale, call.scale, keyTarget, firstRow, lane);
        store_rows(memory + (BLOCK_ROWS + warp * TILE) * ROW_BYTES, rows.secondSums, 1, 1, valueTarget, firstRow, lane);
        return;
    }
    float* partial = call.partials + (long long)(task.document * call.heads + task.head) * call.chunks * (2 * call.globalKeys * HEAD_DIM);
    partial += 2ll * chunk * call.globalKeys * HEAD_DIM;
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        const int key = firstRow + g + 8 * r;
        if (key >= call.globalKeys)
            continue;
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
            float* to = partial + key * HEAD_DIM + 8 * j + 2 * t;
            *(float2*)to = make_float2(rows.firstSums[j][2 * r], rows.firstSums[j][2 * r + 1]);
            *(float2*)(to + call.globalKeys * HEAD_DIM) = make_float2(rows.secondSums[j][2 * r], rows.secondSums[j][2 * r + 1]);
        }
    }
    __threadfence();
    __syncthreads();
    volatile int& isLast = *(volatile int*)memory;
    if (threadIdx.x == 0)
        isLast = atomicAdd(call.arrived + place, 1) == call.chunks - 1;
    __syncthreads();
    if (!isLast)
        return;
    __threadfence();
    store_global(call, scale, task, first, min(BLOCK_ROWS, call.globalKeys - first));
}
