// The gradients of the scales' outputs. A thread takes two channels and walks over the places of a chunk with the sums of the open rows of all scales, so that
// every gradient of a token is read once and no row is upsampled.
#pragma once

#include "open_rows.cuh"

#define WALK_THREADS 128
#define MOST_PLACES 64
#define MOST_ROWS 128

// One block takes two channels per thread of one chunk: the rows of the scales whose cells lie in chunks, and the chunk's part of the sums of the others.
// Grid: (chunks, B, channels).
extern "C" __global__ void __launch_bounds__(WALK_THREADS) scale_output_gradients(const ScaleCall call)
{
    __shared__ float gramGradient[MAX_SCALES][MAX_SCALES], weights[MOST_PLACES][MAX_SCALES], adjoints[MOST_PLACES][MAX_SCALES];
    __shared__ RowNumbers numbers[MOST_ROWS];
    __shared__ int slots[MAX_SCALES], begins[MOST_PLACES + 1];
    const int document = blockIdx.y, start = blockIdx.x * call.chunk, channel = 2 * (blockIdx.z * blockDim.x + threadIdx.x);
    const int tokens = document_tokens(call, document), own = document_scales(call, document), end = tokens + call.shift;
    load_gram_gradient(call, document, gramGradient);
    for (int i = threadIdx.x; i < call.chunk * MAX_SCALES; i += blockDim.x)
    {
        const int place = start + i / MAX_SCALES, s = i % MAX_SCALES, token = place - call.shift;
        const bool exists = token >= 0 && token < tokens && s < available_scales(call, document, place);
        (&weights[0][0])[i] = exists ? weights_of(call, document, token)[s] : 0;
        if (call.shift && call.usesGram)
            (&adjoints[0][0])[i] = exists ? call.adjoints[((long long)document * call.length + token) * call.scales + s] : 0;
    }
    // A scale begins a row at a place if all finer ones do.
    for (int i = threadIdx.x; i <= call.chunk; i += blockDim.x)
    {
        int count = 0;
        while (count < call.chunkScales && i % call.cells[count] == 0)
            count++;
        begins[i] = count;
    }
    for (int s = 0, slot = 0; s < call.chunkScales; s++)
    {
        const int cell = call.cells[s], count = call.chunk / cell;
        const long long first = row_at(call, s, document, start);
        if (threadIdx.x == 0)
            slots[s] = slot - (int)first;
        for (int i = threadIdx.x; i < count; i += blockDim.x)
        {
            const int place = start + i * cell;
            numbers[slot + i] = numbers_of(call, s, first + i, s < own && place >= call.shift * cell ? min(end, place + cell) - place : 0);
        }
        slot += count;
    }
    __syncthreads();
    if (channel >= WIDTH)
        return;
    OpenRows rows;
    int row[MAX_SCALES], open = 0;
    Pair utilitySum = {0, 0};
    const Pair utility = call.utility ? load_pair(call.utility + channel) : Pair{0, 0};
#pragma unroll
    for (int s = MAX_SCALES - 1; s >= 0; s--)
    {
        rows.sums[s] = rows.current[s] = {0, 0};
        rows.inverses[s] = 0;
        row[s] = s < call.scales ? (int)row_at(call, s, document, start) : 0;
        // The rows of coarse scales in which the chunk lies. Those that begin here add to the sums of coarser ones.
        const bool exists = s >= call.chunkScales && s < own && start < end && start >= call.shift * call.cells[s];
        if (!call.usesGram || !exists)
            continue;
        open_row(rows, s, load_pair(call.outputs[s] + (long long)row[s] * WIDTH + channel), call.inverses[call.rowStart[s] + row[s]]);
        if (start % call.cells[s] == 0)
            add_to_coarser(rows, s, (float)(min(end, start + call.cells[s]) - start), gramGradient);
    }
    // The gradient and the finest row of the next place are read ahead.
    const Element* gradients = call.mixedGradient + ((long long)document * call.length - call.shift) * WIDTH + channel;
    const Element* finest = call.outputs[0] + ((long long)document * call.length - call.shift) * WIDTH + channel;
    Pair nextGradient = {0, 0}, nextFinest = {0, 0};
    if (start >= call.shift && start < end)
    {
        nextGradient = load_pair(gradients + (long long)start * WIDTH);
        nextFinest = call.usesGram ? load_pair(finest + (long long)start * WIDTH) : Pair{0, 0};
    }
    for (int k = 0; k < call.chunk && start + k < call.length + call.shift; k++)
    {
        const int place = start + k, begun = begins[k], ended = begins[k + 1];
        const Pair gradient = nextGradient, finestValues = nextFinest;
        if (place + 1 >= call.shift && place + 1 < end && k + 1 < call.chunk)
        {
            nextGradient = load_pair(gradients + (long long)(place + 1) * WIDTH);
            nextFinest = call.usesGram ? load_pair(finest + (long long)(place + 1) * WIDTH) : Pair{0, 0};
        }
        // Coarse rows are opened first: finer ones add to their sums.
#pragma unroll
        for (int s = MAX_SCALES - 1; s >= 0; s--)
        {
            if (s >= begun)
                continue;
            const RowNumbers own = numbers[slots[s] + row[s]];
            rows.sums[s] = {0, 0};
            if (own.used > 0)
            {
                open |= 1 << s;
                if (!call.usesGram)
                    continue;
                const Pair values = s == 0 ? finestValues : load_pair(call.outputs[s] + (long long)row[s] * WIDTH + channel);
                open_row(rows, s, values, own.inverse);
                rows.sums[s] = own_gradient(call, s, own, values, gramGradient, utility, rows, utilitySum);
                if (!call.shift)
                    add_to_coarser(rows, s, own.used, gramGradient);
            }
            else if (row[s] >= document * call.lengths[s])
            {
                open_row(rows, s, {0, 0}, 0);
                store_pair(call.gradients[s] + (long long)row[s] * WIDTH + channel, {0, 0});
            }
        }
        if (place >= call.shift && place < end)
        {
            if (call.usesGram && call.shift)
            {
                Pair byWeights = {0, 0}, byAdjoints = {0, 0};
#pragma unroll
                for (int m = 0; m < MAX_SCALES; m++)
                {
                    add_scaled(byWeights, weights[k][m], rows.current[m]);
                    add_scaled(byAdjoints, adjoints[k][m], rows.current[m]);
                }
#pragma unroll
                for (int s = 0; s < MAX_SCALES; s++)
                {
                    const float factor = -call.redundancy / WIDTH * rows.inverses[s];
                    add_scaled(rows.sums[s], factor * adjoints[k][s], byWeights);
                    add_scaled(rows.sums[s], factor * weights[k][s], byAdjoints);
                }
            }
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
                add_scaled(rows.sums[s], weights[k][s], gradient);
        }
        const int closed = place == end - 1 ? open : open & ((1 << ended) - 1);
        open &= ~closed;
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            if (closed >> s & 1)
                store_pair(call.gradients[s] + (long long)row[s] * WIDTH + channel, rows.sums[s]);
            row[s] += s < ended ? 1 : 0;
        }
    }
    const long long part = (long long)document * call.chunks + blockIdx.x;
    const int coarse = call.scales - call.chunkScales;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        if (s >= call.chunkScales && s < call.scales)
            *(float2*)(call.coarseSums + (part * coarse + s - call.chunkScales) * WIDTH + channel) = make_float2(rows.sums[s].first, rows.sums[s].second);
    }
    if (call.utilityParts)
        *(float2*)(call.utilityParts + part * WIDTH + channel) = make_float2(utilitySum.first, utilitySum.second);
}

// A block takes two channels per thread of one row of a scale whose cells consist of chunks. Grid: (rows, 1, channels).
extern "C" __global__ void __launch_bounds__(WALK_THREADS) scale_coarse_gradients(const ScaleCall call)
{
    __shared__ float gramGradient[MAX_SCALES][MAX_SCALES];
    const int channel = 2 * (blockIdx.z * blockDim.x + threadIdx.x), number = call.rowStart[call.chunkScales] + blockIdx.x;
    int scale = call.chunkScales;
    while (scale + 1 < call.scales && call.rowStart[scale + 1] <= number)
        scale++;
    const int row = number - call.rowStart[scale], document = row / call.lengths[scale], cell = call.cells[scale];
    const int place = (row % call.lengths[scale] + call.shift) * cell;
    load_gram_gradient(call, document, gramGradient);
    __syncthreads();
    if (channel >= WIDTH)
        return;
    const int own = document_scales(call, document), end = min(document_tokens(call, document) + call.shift, place + cell);
    Pair gradient = {0, 0}, utilitySum = {0, 0};
    if (place < end && scale < own)
    {
        const int coarse = call.scales - call.chunkScales;
        const float* from = call.coarseSums + ((long long)document * call.chunks * coarse + scale - call.chunkScales) * WIDTH + channel;
#pragma unroll 4
        for (int chunk = place / call.chunk; chunk * call.chunk < end; chunk++)
        {
            const float2 part = *(const float2*)(from + (long long)chunk * coarse * WIDTH);
            add_scaled(gradient, 1, {part.x, part.y});
        }
        OpenRows rows;
#pragma unroll
        for (int s = MAX_SCALES - 1; s >= 0; s--)
        {
            open_row(rows, s, {0, 0}, 0);
            if (!call.usesGram || s < scale || s >= own || place < call.shift * call.cells[s])
                continue;
            const long long at = row_at(call, s, document, place);
            const Pair values = load_pair(call.outputs[s] + at * WIDTH + channel);
            open_row(rows, s, values, call.inverses[call.rowStart[s] + at]);
            if (s != scale)
                continue;
            const Pair utility = call.utility ? load_pair(call.utility + channel) : Pair{0, 0};
            add_scaled(gradient, 1, own_gradient(call, s, numbers_of(call, s, row, end - place), values, gramGradient, utility, rows, utilitySum));
        }
    }
    store_pair(call.gradients[scale] + (long long)row * WIDTH + channel, gradient);
    if (call.utilityParts)
        *(float2*)(call.utilityParts + ((long long)call.batch * call.chunks + blockIdx.x) * WIDTH + channel) = make_float2(utilitySum.first, utilitySum.second);
}
