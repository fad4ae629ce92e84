// The gradients of the scales' outputs. A thread takes two channels and walks over the places of a chunk with the sums of the open rows of all scales, so that
// every gradient of a token is read once and no row is upsampled.
#pragma once

#include "scale_program.cuh"

#define WALK_THREADS 128
#define ROOT_WIDTH sqrtf((float)WIDTH)

struct Pair
{
    float first, second;
};

__device__ __forceinline__ Pair load_pair(const Element* source)
{
#ifdef BFLOAT16
    const unsigned word = *(const unsigned*)source;
    return {__uint_as_float(word << 16), __uint_as_float(word & 0xffff0000u)};
#else
    const float2 both = *(const float2*)source;
    return {both.x, both.y};
#endif
}

__device__ __forceinline__ void store_pair(Element* target, Pair pair)
{
#ifdef BFLOAT16
    *(unsigned*)target = (unsigned)to_bfloat16(pair.first) | ((unsigned)to_bfloat16(pair.second) << 16);
#else
    *(float2*)target = make_float2(pair.first, pair.second);
#endif
}

__device__ __forceinline__ void add_scaled(Pair& sum, float factor, Pair pair)
{
    sum.first += factor * pair.first;
    sum.second += factor * pair.second;
}

// What a thread knows of the open rows: the sums of the gradients of their tokens, the normalized elements, and the inverse root mean squares (0: no row).
struct OpenRows
{
    Pair sums[MAX_SCALES];
    Pair current[MAX_SCALES];
    float inverses[MAX_SCALES];
};

__device__ __forceinline__ void open_row(const ScaleCall& call, int s, int document, int place, int channel, OpenRows& rows)
{
    const long long row = row_at(call, s, document, place);
    const Pair values = load_pair(call.outputs[s] + row * WIDTH + channel);
    const float inverse = call.inverses[call.rowStart[s] + row];
    rows.inverses[s] = inverse;
    rows.current[s] = {values.first * inverse, values.second * inverse};
}

// The gradient of a row from the sums of its tokens: through the normalization, dO = (dR - R <R, dR> / D) / rms, and of the utility. utilitySum gets its part
// of the gradient of v.
__device__ __forceinline__ Pair close_row(
    const ScaleCall& call, int s, int scales, long long number, float used, const float* gramGradient, int channel, const OpenRows& rows, Pair& utilitySum)
{
    Pair gradient = rows.sums[s];
    if (!call.usesGram)
        return gradient;
    Pair normalized = {0, 0};
    if (!call.shift)
    {
#pragma unroll
        for (int m = 0; m < MAX_SCALES; m++)
        {
            if (m >= s && m < scales)
                add_scaled(normalized, used * gramGradient[s * call.scales + m], rows.current[m]);
        }
    }
    if (call.utility)
    {
        const float utilityGradient = call.rowUtilityGradients[number];
        const Pair utility = load_pair(call.utility + channel);
        if (call.isSoftmax)
        {
            add_scaled(normalized, utilityGradient / ROOT_WIDTH, utility);
            add_scaled(utilitySum, utilityGradient / ROOT_WIDTH, rows.current[s]);
        }
        else
        {
            add_scaled(gradient, utilityGradient, utility);
            add_scaled(utilitySum, utilityGradient / rows.inverses[s], rows.current[s]);
        }
    }
    add_scaled(normalized, -call.rowAlongs[number], rows.current[s]);
    add_scaled(gradient, rows.inverses[s], normalized);
    return gradient;
}

__device__ __forceinline__ void load_gram_gradient(const ScaleCall& call, int document, float* gramGradient)
{
    for (int i = threadIdx.x; i < call.scales * call.scales && call.usesGram && !call.shift; i += blockDim.x)
        gramGradient[i] = call.gramGradient[(long long)document * call.scales * call.scales + i];
    __syncthreads();
}

// One block takes two channels per thread of one chunk: the rows of the scales whose cells lie in chunks, and the chunk's part of the sums of the others.
// Grid: (chunks, B, channels).
extern "C" __global__ void __launch_bounds__(WALK_THREADS) scale_output_gradients(const ScaleCall call)
{
    __shared__ float gramGradient[MAX_SCALES * MAX_SCALES];
    const int document = blockIdx.y, start = blockIdx.x * call.chunk, channel = 2 * (blockIdx.z * blockDim.x + threadIdx.x);
    load_gram_gradient(call, document, gramGradient);
    if (channel >= WIDTH)
        return;
    const int tokens = document_tokens(call, document), own = document_scales(call, document), end = tokens + call.shift;
    const long long part = (long long)document * call.chunks + blockIdx.x;
    OpenRows rows;
    Pair utilitySum = {0, 0};
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        rows.sums[s] = rows.current[s] = {0, 0};
        rows.inverses[s] = 0;
        // The rows of coarse scales in which the chunk lies.
        if (call.usesGram && s >= call.chunkScales && s < own && start < end && start >= call.shift * call.cells[s])
            open_row(call, s, document, start, channel, rows);
    }
    int available = available_scales(call, document, start), begins = call.chunkScales;
    for (int place = start; place < start + call.chunk; place++)
    {
        // A scale begins a row here if all finer ones do. Coarse ones are opened first: finer rows add to their sums.
        const bool valid = place >= call.shift && place < end;
        int opened = begins;
        if (begins == call.chunkScales && place == start)
        {
            while (opened < call.scales && place % call.cells[opened] == 0)
                opened++;
        }
#pragma unroll
        for (int s = MAX_SCALES - 1; s >= 0; s--)
        {
            if (s >= begins)
                continue;
            rows.sums[s] = {0, 0};
            if (valid && s < own && place >= call.shift * call.cells[s])
            {
                if (call.usesGram)
                    open_row(call, s, document, place, channel, rows);
            }
            else if (place >= call.shift * call.cells[s] && place < call.length + call.shift)
            {
                store_pair(call.gradients[s] + row_at(call, s, document, place) * WIDTH + channel, {0, 0});
            }
        }
        if (valid)
        {
            const int token = place - call.shift;
            const long long number = (long long)document * call.length + token;
            const Pair gradient = load_pair(call.mixedGradient + number * WIDTH + channel);
            const float* weights = weights_of(call, document, token);
            while (call.shift && available < own && call.cells[available] <= place)
                available++;
            if (call.usesGram && call.shift)
            {
                const float* adjoints = call.adjoints + number * call.scales;
                Pair byWeights = {0, 0}, byAdjoints = {0, 0};
#pragma unroll
                for (int m = 0; m < MAX_SCALES; m++)
                {
                    if (m >= available)
                        continue;
                    add_scaled(byWeights, weights[m], rows.current[m]);
                    add_scaled(byAdjoints, adjoints[m], rows.current[m]);
                }
#pragma unroll
                for (int s = 0; s < MAX_SCALES; s++)
                {
                    if (s >= available)
                        continue;
                    const float factor = -call.redundancy / WIDTH * rows.inverses[s];
                    add_scaled(rows.sums[s], factor * adjoints[s], byWeights);
                    add_scaled(rows.sums[s], factor * weights[s], byAdjoints);
                }
            }
            else if (call.usesGram)
            {
#pragma unroll
                for (int m = 0; m < MAX_SCALES; m++)
                {
                    if (m >= opened || m >= own)
                        continue;
                    const float used = (float)(min(end, place + call.cells[m]) - place);
#pragma unroll
                    for (int s = m + 1; s < MAX_SCALES; s++)
                    {
                        if (s < own)
                            add_scaled(rows.sums[s], rows.inverses[s] * used * gramGradient[s * call.scales + m], rows.current[m]);
                    }
                }
            }
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
            {
                if (s < available)
                    add_scaled(rows.sums[s], weights[s], gradient);
            }
        }
        begins = 0;
        while (begins < call.chunkScales && (place + 1) % call.cells[begins] == 0)
            begins++;
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            if (!valid || s >= available || s >= call.chunkScales || (s >= begins && place != end - 1))
                continue;
            const int cell = call.cells[s], first = place / cell * cell;
            const long long row = row_at(call, s, document, place);
            const Pair closed = close_row(
                call, s, own, call.rowStart[s] + row, (float)(place + 1 - first), gramGradient, channel, rows, utilitySum);
            store_pair(call.gradients[s] + row * WIDTH + channel, closed);
        }
    }
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
    __shared__ float gramGradient[MAX_SCALES * MAX_SCALES];
    const int channel = 2 * (blockIdx.z * blockDim.x + threadIdx.x), number = call.rowStart[call.chunkScales] + blockIdx.x;
    int scale = call.chunkScales;
    while (scale + 1 < call.scales && call.rowStart[scale + 1] <= number)
        scale++;
    const int row = number - call.rowStart[scale], document = row / call.lengths[scale], cell = call.cells[scale];
    const int place = (row % call.lengths[scale] + call.shift) * cell;
    load_gram_gradient(call, document, gramGradient);
    if (channel >= WIDTH)
        return;
    const int own = document_scales(call, document), end = min(document_tokens(call, document) + call.shift, place + cell);
    const bool valid = place < end && scale < own;
    Pair gradient = {0, 0}, utilitySum = {0, 0};
    if (valid)
    {
        OpenRows rows;
        Pair sum = {0, 0};
        const int coarse = call.scales - call.chunkScales;
        const float* from = call.coarseSums + ((long long)document * call.chunks * coarse + scale - call.chunkScales) * WIDTH + channel;
#pragma unroll 4
        for (int chunk = place / call.chunk; chunk * call.chunk < end; chunk++)
        {
            const float2 part = *(const float2*)(from + (long long)chunk * coarse * WIDTH);
            add_scaled(sum, 1, {part.x, part.y});
        }
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            rows.sums[s] = sum;
            rows.current[s] = {0, 0};
            rows.inverses[s] = 0;
            if (call.usesGram && s >= scale && s < own && place >= call.shift * call.cells[s])
                open_row(call, s, document, place, channel, rows);
        }
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            if (s == scale)
                gradient = close_row(call, s, own, number, (float)(end - place), gramGradient, channel, rows, utilitySum);
        }
    }
    store_pair(call.gradients[scale] + (long long)row * WIDTH + channel, gradient);
    if (call.utilityParts)
        *(float2*)(call.utilityParts + ((long long)call.batch * call.chunks + blockIdx.x) * WIDTH + channel) = make_float2(utilitySum.first, utilitySum.second);
}
