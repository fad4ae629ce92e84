// The forward pass of windowed attention: one launch for all scales. A block of threads computes FORWARD_ROWS queries of one head; their keys and values pass
// through shared memory, the next tile while the present one is multiplied. Softmax is online; the log-sum-exp of every row is kept for the backward pass.
//
// Bytes: with tiles of w queries every key and value is read three times, by blocks that run at about the same time, so that two of them come from the cache.

#include "window_products.cuh"

struct ForwardRow
{
    float largest; // of the logits before the scale
    float total;   // of the lane's columns
};

extern "C" __global__ void __launch_bounds__(BLOCK, FORWARD_BLOCKS) window_forward(const __grid_constant__ WindowCall call)
{
    extern __shared__ __align__(1024) unsigned char memory[];
    WindowTask task;
    const WindowScale& scale = call.scales[task.find(call, blockIdx.x, FORWARD_ROWS)];
    const int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE, g = lane / 4, t = lane % 4;
    const int first = task.tile * FORWARD_ROWS, column = task.head * HEAD_DIM, valid = task.valid;
    const Target target = {scale.output + task.first_row() * call.width() + column, call.width(), 0, valid, task.length};
    if (first >= valid)
    {
        clear_rows<FORWARD_ROWS>(target, first);
        return;
    }
    const Element* queries = scale.query + task.first_row() * scale.queryStride + column;
    const Element* keys = scale.key + task.first_row() * scale.queryStride + column;
    const Element* values = scale.value + task.first_row() * scale.valueStride + column;
    const unsigned queryTile = shared_address(memory), stages = queryTile + FORWARD_ROWS * ROW_BYTES;
    const KeyTiles tiles(task, first, min(first + FORWARD_ROWS, valid) - 1);
    auto copy = [&](int i)
    {
        unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        copy_rows<STREAM_ROWS>(stage, keys, scale.queryStride, tiles.first_key(i), valid);
        copy_rows<STREAM_ROWS>(stage + STREAM_ROWS * ROW_BYTES, values, scale.valueStride, tiles.first_key(i), valid);
    };
    copy_rows<FORWARD_ROWS>(queryTile, queries, scale.queryStride, first, valid);
    copy(0);

    // Rows past the valid length compute what the last valid one sees, and are not stored.
    const OwnRows<ROW_TILES> own(first, warp);
    const Range near = task.keys_of(min(own.first, valid - 1)), far = task.keys_of(min(own.end, valid) - 1);
    auto query_of = [&](int m, int r) { return first + m * GROUP_ROWS + warp * TILE + g + 8 * r; };
    ForwardRow rows[ROW_TILES][2];
    float sums[ROW_TILES][SUMS][4];
    LeftRows left[ROW_TILES];
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++)
    {
        rows[m][0] = rows[m][1] = {minus_infinity(), 0};
#pragma unroll
        for (int j = 0; j < SUMS; j++)
            sums[m][j][0] = sums[m][j][1] = sums[m][j][2] = sums[m][j][3] = 0;
    }
    const float factor = call.scale * LOG2_E;
    for (int i = 0; i < tiles.count; i++)
    {
        await_tile();
        if (i + 1 < tiles.count)
            copy(i + 1);
        if (i == 0)
        {
#pragma unroll
            for (int m = 0; m < ROW_TILES; m++)
                left[m].load(queryTile + m * (GROUP_ROWS * ROW_BYTES), warp, lane);
        }
        const int key = tiles.first_key(i);
        if (own.first >= valid || !is_seen(key, near, far))
            continue;
        const bool isWhole = is_whole(key, near, far);
        const unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        float logits[ROW_TILES][STREAM_ROWS / 8][4];
        multiply_rows<ROW_TILES, STREAM_ROWS>(logits, left, stage, lane);
        end_products();
#pragma unroll
        for (int m = 0; m < ROW_TILES; m++)
        {
#pragma unroll
            for (int r = 0; r < 2; r++)
            {
                ForwardRow& row = rows[m][r];
                if (!isWhole)
                {
                    const Range range = task.keys_of(min(query_of(m, r), valid - 1));
#pragma unroll
                    for (int n = 0; n < STREAM_ROWS / 8; n++)
                    {
#pragma unroll
                        for (int e = 0; e < 2; e++)
                        {
                            if (!has(range, key + 8 * n + 2 * t + e))
                                logits[m][n][2 * r + e] = minus_infinity();
                        }
                    }
                }
                float next = row.largest;
#pragma unroll
                for (int n = 0; n < STREAM_ROWS / 8; n++)
                    next = fmaxf(next, fmaxf(logits[m][n][2 * r], logits[m][n][2 * r + 1]));
                next = row_max(next);
                const float base = next == minus_infinity() ? 0 : next * factor; // a row that has seen no key so far
                const float shrink = exp2_fast(row.largest * factor - base);
                row.largest = next;
                row.total *= shrink;
#pragma unroll
                for (int n = 0; n < STREAM_ROWS / 8; n++)
                {
#pragma unroll
                    for (int e = 0; e < 2; e++)
                    {
                        float& weight = logits[m][n][2 * r + e];
                        weight = exp2_fast(weight * factor - base);
                        row.total += weight;
                    }
                }
#pragma unroll
                for (int j = 0; j < SUMS; j++)
                {
                    sums[m][j][2 * r] *= shrink;
                    sums[m][j][2 * r + 1] *= shrink;
                }
            }
        }
        add_rows<ROW_TILES, STREAM_ROWS>(sums, logits, stage + STREAM_ROWS * ROW_BYTES, lane);
        end_products();
    }
    __syncthreads(); // the results replace the queries
#pragma unroll
    for (int m = 0; m < ROW_TILES; m++)
    {
        float inverse[2];
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            const float total = row_sum(rows[m][r].total);
            inverse[r] = 1 / total;
            if (t == 0 && query_of(m, r) < valid)
                scale.logSums[task.first_scalar(call.heads) + query_of(m, r)] = rows[m][r].largest * factor + log2f(total);
        }
        const int row = m * GROUP_ROWS + warp * TILE;
        store_rows(memory + row * ROW_BYTES, sums[m], inverse[0], inverse[1], target, first + row, lane);
    }
}
