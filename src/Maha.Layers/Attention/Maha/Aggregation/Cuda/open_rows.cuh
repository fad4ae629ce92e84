// The rows of all scales over one place, two channels per thread, and the parts of their gradients.
#pragma once

#include "scale_program.cuh"

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

// What a thread knows of the open rows: the sums of their gradients, the normalized elements, and the inverse root mean squares. A row that does not exist has
// zeros, and so no part in a sum.
struct OpenRows
{
    Pair sums[MAX_SCALES];
    Pair current[MAX_SCALES];
    float inverses[MAX_SCALES];
};

// The numbers of a row that its gradient depends on.
struct RowNumbers
{
    float inverse;
    float along;           // <R, dR> / D
    float utilityGradient;
    float used;            // by that many tokens; 0: no row
};

__device__ __forceinline__ RowNumbers numbers_of(const ScaleCall& call, int s, long long row, int used)
{
    if (used <= 0)
        return {0, 0, 0, 0};
    if (!call.usesGram)
        return {0, 0, 0, (float)used};
    const long long number = call.rowStart[s] + row;
    return {call.inverses[number], call.rowAlongs[number], call.rowUtilityGradients[number], (float)used};
}

// Fills gramGradient [MAX_SCALES, MAX_SCALES], with zeros for missing scales. The threads wait for each other afterwards.
__device__ __forceinline__ void load_gram_gradient(const ScaleCall& call, int document, float (*gramGradient)[MAX_SCALES])
{
    for (int i = threadIdx.x; i < MAX_SCALES * MAX_SCALES; i += blockDim.x)
    {
        const int s = i / MAX_SCALES, m = i % MAX_SCALES;
        const bool exists = call.usesGram && !call.shift && s < call.scales && m < call.scales;
        gramGradient[s][m] = exists ? call.gramGradient[((long long)document * call.scales + s) * call.scales + m] : 0;
    }
}

// The part of the gradient of row s that does not depend on its tokens and finer rows: through the normalization, dO = (dR - R <R, dR> / D) / rms, and of the
// utility. The row and all coarser ones are open. utilitySum gets its part of the gradient of v.
__device__ __forceinline__ Pair own_gradient(
    const ScaleCall& call, int s, const RowNumbers& numbers, Pair values, const float (*gramGradient)[MAX_SCALES], Pair utility, const OpenRows& rows,
    Pair& utilitySum)
{
    Pair gradient = {0, 0}, normalized = {0, 0};
#pragma unroll
    for (int m = s; m < MAX_SCALES; m++)
        add_scaled(normalized, gramGradient[s][m], rows.current[m]);
    normalized = {normalized.first * numbers.used, normalized.second * numbers.used};
    if (call.isSoftmax)
    {
        add_scaled(normalized, numbers.utilityGradient / ROOT_WIDTH, utility);
        add_scaled(utilitySum, numbers.utilityGradient / ROOT_WIDTH, rows.current[s]);
    }
    else
    {
        add_scaled(gradient, numbers.utilityGradient, utility);
        add_scaled(utilitySum, numbers.utilityGradient, values);
    }
    add_scaled(normalized, -numbers.along, rows.current[s]);
    add_scaled(gradient, numbers.inverse, normalized);
    return gradient;
}

__device__ __forceinline__ void open_row(OpenRows& rows, int s, Pair values, float inverse)
{
    rows.inverses[s] = inverse;
    rows.current[s] = {values.first * inverse, values.second * inverse};
}

// Adds the products of a row with its coarser ones to the sums of those.
__device__ __forceinline__ void add_to_coarser(OpenRows& rows, int s, float used, const float (*gramGradient)[MAX_SCALES])
{
    const Pair all = {rows.current[s].first * used, rows.current[s].second * used};
#pragma unroll
    for (int m = s + 1; m < MAX_SCALES; m++)
        add_scaled(rows.sums[m], rows.inverses[m] * gramGradient[s][m], all);
}
