// The forward pass of windowed attention: one launch for all scales. A block of threads computes BLOCK_ROWS queries of one head; their keys and values pass
// through shared memory, the next tile while the present one is multiplied. Softmax is online; the log-sum-exp of every row is kept for the backward pass.
//
// Bytes: every key and value is read by 3 w / BLOCK_ROWS blocks, which run at about the same time, so that all but one of them read from the cache.

#include "window_products.cuh"

extern "C" __global__ void __launch_bounds__(BLOCK, FORWARD_BLOCKS) window_forward(const __grid_constant__ WindowCall call)
{
    extern __shared__ __align__(1024) unsigned char memory[];
    WindowTask task;
    const WindowScale& scale = call.scales[task.find(call, blockIdx.x)];
    const int warp = threadIdx.x / WARP_SIZE, lane = threadIdx.x % WARP_SIZE, g = lane / 4, t = lane % 4;
    const int first = task.tile * BLOCK_ROWS, column = task.head * HEAD_DIM, valid = task.valid;
    const Target target = {scale.output + task.first_row() * call.width() + column, call.width(), 0, valid, task.length};
    if (first >= valid)
    {
        clear_rows(target, first);
        return;
    }
    const Element* queries = scale.query + task.first_row() * scale.queryStride + column;
    const Element* keys = scale.key + task.first_row() * scale.queryStride + column;
    const Element* values = scale.value + task.first_row() * scale.valueStride + column;
    const unsigned queryTile = shared_address(memory), stages = queryTile + BLOCK_ROWS * ROW_BYTES;
    const KeyTiles tiles(task, first, min(first + BLOCK_ROWS, valid) - 1);
    auto copy = [&](int i)
    {
        unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        copy_rows<STREAM_ROWS>(stage, keys, scale.queryStride, tiles.first_key(i), valid);
        copy_rows<STREAM_ROWS>(stage + STREAM_ROWS * ROW_BYTES, values, scale.valueStride, tiles.first_key(i), valid);
    };
    copy_rows<BLOCK_ROWS>(queryTile, queries, scale.queryStride, first, valid);
    copy(0);

    // Rows past the valid length compute what the last valid one sees, and are not stored.
    const OwnRows own(first, warp);
    const Range near = task.keys_of(min(own.first, valid - 1)), far = task.keys_of(min(own.end, valid) - 1);
    const int query = first + warp * TILE + g; // and the one 8 rows on
    float largest[2] = {minus_infinity(), minus_infinity()}; // of the logits before the scale
    float total[2] = {0, 0};                                  // of the lane's columns
    float sums[SUMS][4] = {};
    LeftRows left;
    const float factor = call.scale * LOG2_E;
    for (int i = 0; i < tiles.count; i++)
    {
        await_tile();
        if (i + 1 < tiles.count)
            copy(i + 1);
        if (i == 0)
            left.load(queryTile, warp, lane);
        const int key = tiles.first_key(i);
        if (own.first >= valid || !is_seen(key, near, far))
            continue;
        const bool isWhole = is_whole(key, near, far);
        const unsigned stage = stages + (i & 1) * (2 * STREAM_ROWS * ROW_BYTES);
        float logits[STREAM_ROWS / 8][4];
        multiply_rows<STREAM_ROWS>(logits, left, stage, lane);
        end_products();
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            if (!isWhole)
            {
                const Range range = task.keys_of(min(query + 8 * r, valid - 1));
#pragma unroll
                for (int n = 0; n < STREAM_ROWS / 8; n++)
                {
#pragma unroll
                    for (int e = 0; e < 2; e++)
                    {
                        if (!has(range, key + 8 * n + 2 * t + e))
                            logits[n][2 * r + e] = minus_infinity();
                    }
                }
            }
            float next = largest[r];
#pragma unroll
            for (int n = 0; n < STREAM_ROWS / 8; n++)
                next = fmaxf(next, fmaxf(logits[n][2 * r], logits[n][2 * r + 1]));
            next = row_max(next);
            const float base = next == minus_infinity() ? 0 : next * factor; // a row that has seen no key so far
            const float shrink = exp2_fast(largest[r] * factor - base);
            largest[r] = next;
            total[r] *= shrink;
#pragma unroll
            for (int n = 0; n < STREAM_ROWS / 8; n++)
            {
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    float& weight = logits[n][2 * r + e];
                    weight = exp2_fast(weight * factor - base);
                    total[r] += weight;
                }
            }
#pragma unroll
            for (int j = 0; j < SUMS; j++)
            {
                sums[j][2 * r] *= shrink;
                sums[j][2 * r + 1] *= shrink;
            }
        }
        add_rows<STREAM_ROWS>(sums, logits, stage + STREAM_ROWS * ROW_BYTES, lane);
        end_products();
    }
    __syncthreads(); // the results replace the queries
    float inverse[2];
#pragma unroll
    for (int r = 0; r < 2; r++)
    {
        const float all = row_sum(total[r]);
        inverse[r] = 1 / all;
        if (t == 0 && query + 8 * r < valid)
            scale.logSums[task.first_scalar(call.heads) + query + 8 * r] = largest[r] * factor + log2f(all);
    }
    store_rows(memory + warp * (TILE * ROW_BYTES), sums, inverse[0], inverse[1], target, first + warp * TILE, lane);
}
