// The backward pass of windowed attention, two launches for all scales: window_query_gradients, then window_key_gradients. Both compute the weights again from
// the saved log-sum-exps. A block of threads owns BACKWARD_ROWS queries, or keys, of one head, and sums over what passes through shared memory in a fixed
// order, without atomics: gradients are reproducible.
//
// With weights p, products q = dO . value and D = dO . output of a query, a logit has the gradient p (q - D).
//
// Global keys are seen by all queries. Tasks of their own sum over chunks of queries, and the last of them to end adds the chunks in order.

#include "window_tiles.cuh"

// The gradients of the logits of 16 rows of a warp with the columns that pass by. With first and second operands (query, dO) of the rows and (key, value) of the
// columns, or the other way around, firstSums is the gradient of the rows' first operand, secondSums the weighted sum of the columns' second operand.
struct RowGradients
{
    LeftRows first[1];
    LeftRows second[1];
    float firstSums[1][SUMS][4];
    float secondSums[1][SUMS][4];
    Range ranges[2]; // of rows g and g + 8
    Range near;      // of the warp's first row
    Range far;       // of its last row

    __device__ __forceinline__ void clear()
    {
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
#pragma unroll
            for (int i = 0; i < 4; i++)
                firstSums[0][j][i] = secondSums[0][j][i] = 0;
        }
    }

    __device__ __forceinline__ void load(unsigned firstTile, unsigned secondTile, int warp, int lane)
    {
        const unsigned offset = warp * (TILE * ROW_BYTES) + left_place(lane);
        first[0].load(firstTile + offset);
        second[0].load(secondTile + offset);
    }

    // scalars(r, column) returns the log-sum-exp and D of the query that is row g + 8 r, or the column; column counts from 0.
    template <bool SUMS_SECOND, class Scalars>
    __device__ __forceinline__ void add(unsigned firstColumns, unsigned secondColumns, int column, float factor, Scalars scalars, int lane)
    {
        const bool isWhole = is_whole(column, near, far);
#pragma unroll
        for (int piece = 0; piece < STREAM_ROWS; piece += PIECE)
        {
            float logits[1][PIECE / 8][4], products[1][PIECE / 8][4];
            multiply_rows<1, PIECE>(logits, first, firstColumns + piece * ROW_BYTES + right_place(lane));
            multiply_rows<1, PIECE>(products, second, secondColumns + piece * ROW_BYTES + right_place(lane));
#pragma unroll
            for (int n = 0; n < PIECE / 8; n++)
            {
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    const int at = piece + 8 * n + 2 * (lane % 4) + e;
#pragma unroll
                    for (int r = 0; r < 2; r++)
                    {
                        float& logit = logits[0][n][2 * r + e];
                        float& product = products[0][n][2 * r + e];
                        const float2 row = scalars(r, at);
                        const bool isSeen = isWhole || has(ranges[r], column + at);
                        const float weight = isSeen ? exp2_fast(logit * factor - row.x) : 0;
                        logit = isSeen ? weight * (product - row.y) : 0;
                        product = weight;
                    }
                }
            }
            add_rows<1, PIECE>(firstSums, logits, firstColumns + piece * ROW_BYTES, lane);
            if (SUMS_SECOND)
                add_rows<1, PIECE>(secondSums, products, secondColumns + piece * ROW_BYTES, lane);
        }
    }
};

// The sum of products of a row's elements, by two lanes: the lanes 2 i and 2 i + 1 have row i of the warp.
static __device__ __forceinline__ float half_dot(const Element* left, const Element* right, int half)
{
    float sum = 0;
#pragma unroll
    for (int i = 0; i < CHUNKS / 2; i++)
    {
        const int from = (half * (CHUNKS / 2) + i) * CHUNK_ELEMENTS;
        const uint4 a = *(const uint4*)(left + from), b = *(const uint4*)(right + from);
        const unsigned first[4] = {a.x, a.y, a.z, a.w}, second[4] = {b.x, b.y, b.z, b.w};
#pragma unroll
        for (int k = 0; k < 4; k++)
        {
#if BF16
            const float2 x = to_floats(first[k]), y = to_floats(second[k]);
            sum += x.x * y.x + x.y * y.y;
#else
            sum += __uint_as_float(first[k]) * __uint_as_float(second[k]);
#endif
        }
    }
    return sum;
}

extern "C" __global__ void __launch_bounds__(BLOCK, 2) window_query_gradients(const __grid_constant__ WindowCall call)
{
    extern __shared__ __align__(1024) unsigned char memory[];
    WindowTask task;
    const WindowScale& scale = call.scales[task.find(call, blockIdx.x, BACKWARD_ROWS)];
    const int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE, g = lane / 4;
    const int first = task.tile * BACKWARD_ROWS, column = task.head * HEAD_DIM, valid = task.valid, width = call.width();
    if (task.tile < call.global_tiles() && threadIdx.x == 0)
        call.arrived[(task.document * call.heads + task.head) * call.global_tiles() + task.tile] = 0;
    const Target target = {scale.queryGradient + task.first_row() * (2 * width) + column, 2 * width, 0, valid, task.length};
    if (first >= valid)
    {
        clear_rows<BACKWARD_ROWS>(target, first);
        return;
    }
    const Element* queries = scale.query + task.first_row() * scale.queryStride + column;
    const Element* gradients = scale.gradient + task.first_row() * scale.gradientStride + column;
    const Element* keys = scale.key + task.first_row() * scale.queryStride + column;
    const Element* values = scale.value + task.first_row() * scale.valueStride + column;
    const unsigned queryTile = shared_address(memory), gradientTile = queryTile + BACKWARD_ROWS * ROW_BYTES;
    const unsigned stages = gradientTile + BACKWARD_ROWS * ROW_BYTES;
    const KeyTiles tiles(task, first, min(first + BACKWARD_ROWS, valid) - 1);
    auto copy = [&](int i)
    {
        unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        copy_rows<STREAM_ROWS>(stage, keys, scale.queryStride, tiles.first_key(i), valid);
        copy_rows<STREAM_ROWS>(stage + STREAM_ROWS * ROW_BYTES, values, scale.valueStride, tiles.first_key(i), valid);
    };
    copy_rows<BACKWARD_ROWS>(queryTile, queries, scale.queryStride, first, valid);
    copy_rows<BACKWARD_ROWS>(gradientTile, gradients, scale.gradientStride, first, valid);
    copy(0);

    const int warpFirst = first + warp * TILE;
    const int dotRow = min(warpFirst + lane / 2, valid - 1);
    float dot = half_dot(gradients + (long long)dotRow * scale.gradientStride, scale.output + (task.first_row() + dotRow) * width + column, lane % 2);
    dot += __shfl_xor_sync(ALL_LANES, dot, 1);
    if (lane % 2 == 0 && warpFirst + lane / 2 < valid)
        scale.rowDots[task.first_scalar(call.heads) + dotRow] = dot;
    float2 scalars[2];
    RowGradients rows;
    rows.clear();
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        const int query = min(warpFirst + g + 8 * r, valid - 1);
        rows.ranges[r] = task.keys_of(query);
        scalars[r] = make_float2(scale.logSums[task.first_scalar(call.heads) + query], __shfl_sync(ALL_LANES, dot, 2 * g + 16 * r));
    }
    rows.near = task.keys_of(min(warpFirst, valid - 1));
    rows.far = task.keys_of(min(warpFirst + TILE, valid) - 1);
    for (int i = 0; i < tiles.count; i++)
    {
        wait_for_copies();
        __syncthreads(); // the tile has arrived, and all warps have left the one before
        if (i + 1 < tiles.count)
            copy(i + 1);
        if (i == 0)
            rows.load(queryTile, gradientTile, warp, lane);
        const int key = tiles.first_key(i);
        if (warpFirst >= valid || !is_seen(key, rows.near, rows.far))
            continue;
        const unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        rows.add<false>(stage, stage + STREAM_ROWS * ROW_BYTES, key, call.scale * LOG2_E, [&](int r, int) { return scalars[r]; }, lane);
    }
    const float factors[1][2] = {{call.scale, call.scale}};
    store_rows<1>(memory + warp * (TILE * ROW_BYTES), rows.firstSums, factors, target, warpFirst, lane);
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

extern "C" __global__ void __launch_bounds__(BLOCK, 2) window_key_gradients(const __grid_constant__ WindowCall call)
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
        const int tiles = (call.scales[0].length + BACKWARD_ROWS - 1) / BACKWARD_ROWS;
        task.find(call, (document * tiles + tile) * call.heads + head, BACKWARD_ROWS);
    }
    const WindowScale& scale = call.scales[isGlobal ? 0 : task.find(call, blockIdx.x - globalTasks, BACKWARD_ROWS)];
    const int first = task.tile * BACKWARD_ROWS, column = task.head * HEAD_DIM, valid = task.valid, width = call.width();
    if (!isGlobal && first + BACKWARD_ROWS <= call.globalKeys)
        return;
    const Target keyTarget = {scale.queryGradient + task.first_row() * (2 * width) + width + column, 2 * width, call.globalKeys, valid, task.length};
    const Target valueTarget = {scale.valueGradient + task.first_row() * width + column, width, call.globalKeys, valid, task.length};
    if (first >= valid && !isGlobal)
    {
        clear_rows<BACKWARD_ROWS>(keyTarget, first);
        clear_rows<BACKWARD_ROWS>(valueTarget, first);
        return;
    }
    const Element* queries = scale.query + task.first_row() * scale.queryStride + column;
    const Element* gradients = scale.gradient + task.first_row() * scale.gradientStride + column;
    const Element* keys = scale.key + task.first_row() * scale.queryStride + column;
    const Element* values = scale.value + task.first_row() * scale.valueStride + column;
    const float* logSums = scale.logSums + task.first_scalar(call.heads);
    const float* rowDots = scale.rowDots + task.first_scalar(call.heads);
    const unsigned keyTile = shared_address(memory), valueTile = keyTile + BACKWARD_ROWS * ROW_BYTES;
    const unsigned stages = valueTile + BACKWARD_ROWS * ROW_BYTES;
    const unsigned scalarBytes = 4 * STREAM_ROWS * ROW_BYTES + 2 * BACKWARD_ROWS * ROW_BYTES; // before the scalars of the stages' queries
    const int warpFirst = first + warp * TILE, lastRow = max(valid - 1, 0);
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
    RowGradients rows;
    rows.clear();
    rows.ranges[0] = range_of(warpFirst + g);
    rows.ranges[1] = range_of(warpFirst + g + 8);
    rows.near = range_of(warpFirst);
    rows.far = range_of(warpFirst + TILE - 1);
    const int begin = range_of(first).first / STREAM_ROWS, end = (range_of(first + BACKWARD_ROWS - 1).end + STREAM_ROWS - 1) / STREAM_ROWS;
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
    copy_rows<BACKWARD_ROWS>(keyTile, keys, scale.queryStride, first, valid);
    copy_rows<BACKWARD_ROWS>(valueTile, values, scale.valueStride, first, valid);
    if (begin < end)
        copy(begin);
    const bool isUsed = warpFirst < (isGlobal ? min(valid, call.globalKeys) : valid);
    for (int i = begin; i < end; i++)
    {
        wait_for_copies();
        __syncthreads(); // the tile has arrived, and all warps have left the one before
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
            stage, stage + STREAM_ROWS * ROW_BYTES, query, call.scale * LOG2_E,
            [&](int, int at) { return make_float2(scalars[at], scalars[STREAM_ROWS + at]); }, lane);
    }
    if (!isGlobal)
    {
        const float keyFactors[1][2] = {{call.scale, call.scale}}, valueFactors[1][2] = {{1, 1}};
        store_rows<1>(memory + warp * (TILE * ROW_BYTES), rows.firstSums, keyFactors, keyTarget, warpFirst, lane);
        store_rows<1>(memory + (BACKWARD_ROWS + warp * TILE) * ROW_BYTES, rows.secondSums, valueFactors, valueTarget, warpFirst, lane);
        return;
    }
    float* partial = call.partials + (long long)(task.document * call.heads + task.head) * call.chunks * (2 * call.globalKeys * HEAD_DIM);
    partial += 2ll * chunk * call.globalKeys * HEAD_DIM;
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        const int key = warpFirst + g + 8 * r;
        if (key >= call.globalKeys)
            continue;
#pragma unroll
        for (int j = 0; j < SUMS; j++)
        {
            float* to = partial + key * HEAD_DIM + 8 * j + 2 * t;
            *(float2*)to = make_float2(rows.firstSums[0][j][2 * r], rows.firstSums[0][j][2 * r + 1]);
            *(float2*)(to + call.globalKeys * HEAD_DIM) = make_float2(rows.secondSums[0][j][2 * r], rows.secondSums[0][j][2 * r + 1]);
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
    store_global(call, scale, task, first, min(BACKWARD_ROWS, call.globalKeys - first));
}
