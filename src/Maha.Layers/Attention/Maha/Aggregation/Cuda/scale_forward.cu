// The aggregation of scales: Gram matrices and utilities of their outputs, the weights, and the weighted sum.
#include "scale_program.cuh"
#include "token_gram.cuh"

#define ROW_WARPS 8
#define GRAM_THREADS 1024
#define MIX_WARPS 4
#define COLUMNS (PAIRS + MAX_SCALES)
#define COLUMN_SPAN 128 // a power of 2 that is at least COLUMNS

// The most rows of scales whose cells lie in a chunk: those of a chunk of 64 places with a ratio of 2.
#define CHUNK_ROWS 128

// One block takes one chunk of one document: the inverse root mean squares and utilities of the rows that begin there, their products with the rows of coarser
// scales, and the chunk's sums of both over tokens. Grid: (chunks, B).
extern "C" __global__ void __launch_bounds__(32 * ROW_WARPS) scale_rows(const ScaleCall call)
{
    __shared__ float inverse[MAX_SCALES][CHUNK_ROWS / 2];
    __shared__ float sums[ROW_WARPS][COLUMNS];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, document = blockIdx.y, start = blockIdx.x * call.chunk;
    const int tokens = document_tokens(call, document), available = document_scales(call, document), end = tokens + call.shift;
    for (int i = threadIdx.x; i < ROW_WARPS * COLUMNS; i += blockDim.x)
        (&sums[0][0])[i] = 0;
    if (blockIdx.x == 0 && threadIdx.x == 0)
    {
        call.residuals[document] = 0;
        call.steps[document] = 0;
    }
    __syncthreads();
    int item = warp;
    for (int s = 0; s < available; s++)
    {
        // A coarse scale has one row in the chunk, which may have begun before.
        const int cell = call.cells[s], count = s < call.chunkScales ? call.chunk / cell : 1;
        for (; item < count; item += ROW_WARPS)
        {
            const int place = start + item * (s < call.chunkScales ? cell : 0), first = place / cell * cell;
            const bool exists = place < end && place >= (call.shift ? cell : 0);
            if (!exists)
                continue;
            const long long row = row_at(call, s, document, place), number = call.rowStart[s] + row;
            Row values;
            load_row(call.outputs[s] + row * WIDTH, values);
            float squares = 0;
#pragma unroll
            for (int turn = 0; turn < TURNS; turn++)
            {
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                    squares += values.values[turn][i] * values.values[turn][i];
            }
            squares = warp_sum(squares) / WIDTH;
            const float scale = 1 / sqrtf(squares + EPSILON);
            float utility = call.utility && first == place ? row_product(values, call.utility) : 0;
            if (call.isSoftmax)
                utility *= scale * (1 / sqrtf((float)WIDTH));
            if (lane != 0)
                continue;
            inverse[s][item] = scale;
            if (first != place)
                continue;
            const float used = (float)(min(end, place + cell) - place);
            call.inverses[number] = scale;
            if (call.utility)
                call.utilities[number] = utility;
            sums[warp][PAIRS + s] += used * utility;
            sums[warp][pair_of(s, s)] += used * (squares * scale * scale);
            if (call.products)
                call.products[number * call.scales + s] = squares * scale * scale;
        }
        item -= count;
    }
    // In a causal model every token has a matrix of its own.
    if (call.shift)
        return;
    __syncthreads();
    item = warp;
    for (int s = 0; s + 1 < available && call.usesGram; s++)
    {
        const int cell = call.cells[s], count = s < call.chunkScales ? call.chunk / cell : start % cell == 0 ? 1 : 0;
        for (; item < count; item += ROW_WARPS)
        {
            const int place = start + item * cell;
            if (place >= end)
                continue;
            const long long row = row_at(call, s, document, place);
            const float used = (float)(min(end, place + cell) - place);
            Row values;
            load_row(call.outputs[s] + row * WIDTH, values);
#pragma unroll 2
            for (int m = s + 1; m < available; m++)
            {
                const float other = inverse[m][m < call.chunkScales ? (place - start) / call.cells[m] : 0];
                const float product = row_product(values, call.outputs[m] + row_at(call, m, document, place) * WIDTH) * inverse[s][item] * other / WIDTH;
                if (lane != 0)
                    continue;
                sums[warp][pair_of(s, m)] += used * product;
                if (call.products)
                    call.products[(call.rowStart[s] + row) * call.scales + m] = product;
            }
        }
        item -= count;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < COLUMNS; i += blockDim.x)
    {
        float sum = 0;
#pragma unroll
        for (int w = 0; w < ROW_WARPS; w++)
            sum += sums[w][i];
        call.sums[((long long)document * call.chunks + blockIdx.x) * COLUMNS + i] = sum;
    }
}

// One block takes one document: the sums of its chunks, in one order, and the weights where all of its tokens share them. Grid: (B).
extern "C" __global__ void __launch_bounds__(GRAM_THREADS) scale_gram(const ScaleCall call)
{
    __shared__ double parts[GRAM_THREADS / COLUMN_SPAN][COLUMN_SPAN];
    __shared__ float gram[PAIRS], means[MAX_SCALES];
    const int column = threadIdx.x % COLUMN_SPAN, part = threadIdx.x / COLUMN_SPAN, document = blockIdx.x, tokens = document_tokens(call, document);
    double sum = 0;
    if (column < COLUMNS)
    {
        const float* from = call.sums + (long long)document * call.chunks * COLUMNS + column;
#pragma unroll 8
        for (int chunk = part; chunk < call.chunks; chunk += GRAM_THREADS / COLUMN_SPAN)
            sum += from[(long long)chunk * COLUMNS];
    }
    parts[part][column] = sum;
    __syncthreads();
    if (part == 0 && column < COLUMNS)
    {
        sum = 0;
        for (int i = 0; i < GRAM_THREADS / COLUMN_SPAN; i++)
            sum += parts[i][column];
        const float mean = (float)(sum / max(1, tokens));
        if (column < PAIRS)
            call.gram[(long long)document * PAIRS + column] = gram[column] = mean;
        else
            means[column - PAIRS] = mean;
    }
    __syncthreads();
    if (threadIdx.x != 0 || call.rule != WEIGHTS_DOCUMENT)
        return;
    float utilities[MAX_SCALES], weights[MAX_SCALES];
    Outcome outcome;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        utilities[s] = s < call.scales ? means[s] + to_float(call.bias[s]) : 0;
        if (s < call.scales)
            call.documentUtilities[document * call.scales + s] = utilities[s];
    }
    call.supports[document] = allocate(
        call, gram, call.costs ? call.costs + document * call.scales : 0, utilities, document_scales(call, document), weights, outcome);
    call.residuals[document] = outcome.residual;
    call.steps[document] = outcome.steps;
    for (int s = 0; s < call.allScales; s++)
        call.weights[(long long)document * call.allScales + s] = 0;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        if (s < call.scales)
            call.weights[(long long)document * call.allScales + s] = weights[s];
    }
}

// One block takes TILE_TOKENS tokens of a document: first a thread solves the program of each, then a warp sums the rows of each. Grid: (tiles, B).
extern "C" __global__ void __launch_bounds__(32 * MIX_WARPS) scale_mix(const ScaleCall call)
{
    __shared__ float shared[TILE_TOKENS][MAX_SCALES];
    __shared__ float gram[TOKEN_GRAM];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, document = blockIdx.y, first = blockIdx.x * TILE_TOKENS;
    const int tokens = document_tokens(call, document);
    if (call.rule == WEIGHTS_TOKEN)
        load_gram(call, document, first, MIX_WARPS, gram);
    __syncthreads();
    if (threadIdx.x < TILE_TOKENS)
    {
        const int token = first + threadIdx.x, place = token + call.shift;
        const bool valid = token < tokens;
        const int available = valid ? available_scales(call, document, place) : 0;
        float weights[MAX_SCALES];
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
            weights[s] = s < available ? 1.0f / available : 0;
        if (call.rule == WEIGHTS_TOKEN && valid)
        {
            float utilities[MAX_SCALES];
            Outcome outcome;
            utilities_at(call, document, place, available, utilities);
            const int support = allocate(
                call, gram + (call.shift ? threadIdx.x * GRAM_STRIDE : 0), call.costs ? call.costs + document * call.scales : 0, utilities, available, weights,
                outcome);
            if (call.supports)
                call.supports[(long long)document * call.length + token] = support;
            // Numbers that are not negative are ordered like their bits, and a not-a-number is the largest.
            atomicMax((int*)call.residuals + document, __float_as_int(outcome.residual));
            atomicMax(call.steps + document, outcome.steps);
        }
        else if (call.rule == WEIGHTS_GIVEN || call.rule == WEIGHTS_DOCUMENT)
        {
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
                weights[s] = s < available ? call.weights[(long long)document * call.allScales + s] : 0;
        }
        const bool isDocument = call.rule == WEIGHTS_EQUAL && !call.shift;
        if ((isDocument ? token == 0 : token < call.length && (call.rule == WEIGHTS_TOKEN || call.rule == WEIGHTS_EQUAL)))
        {
            float* to = weights_of(call, document, token);
            const int own = document_scales(call, document);
            for (int s = 0; s < call.allScales; s++)
                to[s] = isDocument ? (s < own ? 1.0f / own : 0) : 0;
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
            {
                if (s < available && !isDocument)
                    to[s] = weights[s];
            }
        }
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
            shared[threadIdx.x][s] = weights[s];
    }
    __syncthreads();
    for (int i = warp * (TILE_TOKENS / MIX_WARPS); i < (warp + 1) * (TILE_TOKENS / MIX_WARPS); i++)
    {
        const int token = first + i;
        if (token >= call.length)
            return;
        Row sum;
#pragma unroll
        for (int turn = 0; turn < TURNS; turn++)
        {
#pragma unroll
            for (int k = 0; k < PER_VECTOR; k++)
                sum.values[turn][k] = 0;
        }
#pragma unroll 2
        for (int s = 0; s < call.scales; s++)
        {
            const float weight = shared[i][s];
            if (weight == 0)
                continue;
            Row row;
            load_row(call.outputs[s] + row_at(call, s, document, token + call.shift) * WIDTH, row);
#pragma unroll
            for (int turn = 0; turn < TURNS; turn++)
            {
#pragma unroll
                for (int k = 0; k < PER_VECTOR; k++)
                    sum.values[turn][k] += weight * row.values[turn][k];
            }
        }
#pragma unroll
        for (int turn = 0; turn < TURNS; turn++)
        {
            if (turn * 32 + lane < VECTORS)
                store_vector(call.mixed + ((long long)document * call.length + token) * WIDTH + (turn * 32 + lane) * PER_VECTOR, sum.values[turn]);
        }
    }
}

// The shares of the scales where gates choose between each scale and the coarser ones: g_s times the product of 1 - g_t over the finer scales t, as the mean
// over the channels. outputs are the gates, without one for the coarsest scale. A warp takes a token. Grid: (tokens / MIX_WARPS, B).
extern "C" __global__ void __launch_bounds__(32 * MIX_WARPS) scale_shares(const ScaleCall call)
{
    const int lane = threadIdx.x & 31, document = blockIdx.y, token = blockIdx.x * MIX_WARPS + (threadIdx.x >> 5);
    if (token >= call.length)
        return;
    float* weights = call.weights + ((long long)document * call.length + token) * call.allScales;
    const bool valid = token < document_tokens(call, document);
    Row left;
    float rest = 1;
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
#pragma unroll
        for (int i = 0; i < PER_VECTOR; i++)
            left.values[turn][i] = 1;
    }
    for (int s = 0; s < call.allScales; s++)
    {
        float share = s == call.scales - 1 ? rest : 0;
        if (valid && s < call.scales - 1)
        {
            Row gate;
            load_row(call.outputs[s] + row_at(call, s, document, token) * WIDTH, gate);
#pragma unroll
            for (int turn = 0; turn < TURNS; turn++)
            {
#pragma unroll
                for (int i = 0; i < PER_VECTOR; i++)
                {
                    share += left.values[turn][i] * gate.values[turn][i];
                    left.values[turn][i] -= left.values[turn][i] * gate.values[turn][i];
                }
            }
            share = warp_sum(share) / WIDTH;
            rest -= share;
        }
        if (lane == 0)
            weights[s] = valid ? share : 0;
    }
}
