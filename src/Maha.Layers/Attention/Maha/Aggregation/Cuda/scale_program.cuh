// The program of a token, or of a document: from the utilities of its scales to their weights, and the gradients. ConvexAggregation in C# states it.
#pragma once

#include "simplex.cuh"

// The program of a token or document with utilities u: the preference p and the linear term c of its program in the weights before the floor.
__device__ __forceinline__ void preference_of(
    const ScaleCall& call, const float (&utilities)[MAX_SCALES], int available, float (&preference)[MAX_SCALES])
{
    float most = utilities[0], sum = 0;
#pragma unroll
    for (int s = 1; s < MAX_SCALES; s++)
        most = s < available ? fmaxf(most, utilities[s]) : most;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        preference[s] = s < available ? (call.isSoftmax ? expf((utilities[s] - most) / call.temperature) : 1) : 0;
        sum += preference[s];
    }
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
        preference[s] /= sum;
}

// Returns the support of the program before the floor: a = f p + (1 - f) z, z the minimum for the linear term (c - f M p) / (1 - f).
__device__ __forceinline__ int allocate(
    const ScaleCall& call, const float* gram, const float* costs, const float (&utilities)[MAX_SCALES], int available, float (&weights)[MAX_SCALES],
    Outcome& outcome)
{
    float preference[MAX_SCALES], linear[MAX_SCALES], solution[MAX_SCALES];
    preference_of(call, utilities, available, preference);
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        const float price = costs && s < available ? costs[s] : 0;
        const float term = call.isSoftmax ? preference[s] - price : (utilities[s] - price) / call.temperature;
        const float moved = call.floor > 0 ? call.floor * times_matrix(gram, call.redundancy, preference, s) : 0;
        linear[s] = s < available ? (term - moved) / (1 - call.floor) : 0;
    }
    const int support = solve_simplex(gram, call.redundancy, available, linear, solution, outcome);
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
        weights[s] = s < available ? call.floor * preference[s] + (1 - call.floor) * solution[s] : 0;
    return support;
}

// The gradients of the linear term before the floor (the adjoint y; that of M is -y w^T) and of the utilities, from that of the weights w.
__device__ __forceinline__ void allocate_gradients(
    const ScaleCall& call, const float* gram, const float (&utilities)[MAX_SCALES], int available, int support, const float (&weightGradient)[MAX_SCALES],
    float (&adjoint)[MAX_SCALES], float (&utilityGradient)[MAX_SCALES])
{
    solve_on_support(gram, call.redundancy, support, weightGradient, 0, adjoint);
    if (!call.isSoftmax)
    {
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
            utilityGradient[s] = adjoint[s] / call.temperature;
        return;
    }
    float preference[MAX_SCALES], mean = 0;
    preference_of(call, utilities, available, preference);
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        float gradient = adjoint[s];
        if (call.floor > 0)
            gradient += call.floor * (weightGradient[s] - times_matrix(gram, call.redundancy, adjoint, s));
        utilityGradient[s] = gradient;
        mean += preference[s] * gradient;
    }
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
        utilityGradient[s] = preference[s] * (utilityGradient[s] - mean) / call.temperature;
}

// The utilities of the token at a place.
__device__ __forceinline__ void utilities_at(const ScaleCall& call, int document, int place, int available, float (&utilities)[MAX_SCALES])
{
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        utilities[s] = s < available ? to_float(call.bias[s]) : 0;
        if (s < available && call.utility)
            utilities[s] += call.utilities[call.rowStart[s] + row_at(call, s, document, place)];
    }
}
