// The minimum of 1/2 a^T M a - c^T a over the simplex, M = I + rho G, for up to MAX_SCALES scales: one thread solves one program in registers.
// SimplexProgram in C# states the method and its conditions.
#pragma once

#include "scale_call.cuh"

// The relative violation that rounding explains.
#define ROUNDING 1e-6f
#define CORRECTIONS 6
#define MOST_STEPS 256

// The factors of M restricted to a support, with the identity elsewhere: L below the diagonal, as pair_of(column, row), and the inverse pivots. Every pivot
// is at least 1.
__device__ __forceinline__ void factorize(const float* gram, float redundancy, int support, float (&factors)[PAIRS])
{
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
#pragma unroll
        for (int m = s; m < MAX_SCALES; m++)
        {
            const bool member = (support >> s & 1) && (support >> m & 1);
            factors[pair_of(s, m)] = (member ? redundancy * gram[pair_of(s, m)] : 0) + (s == m ? 1 : 0);
        }
    }
#pragma unroll
    for (int k = 0; k < MAX_SCALES; k++)
    {
        const float inverse = 1 / factors[pair_of(k, k)];
        factors[pair_of(k, k)] = inverse;
#pragma unroll
        for (int i = k + 1; i < MAX_SCALES; i++)
        {
            const float scaled = factors[pair_of(k, i)] * inverse;
#pragma unroll
            for (int j = i; j < MAX_SCALES; j++)
                factors[pair_of(i, j)] -= scaled * factors[pair_of(k, j)];
            factors[pair_of(k, i)] = scaled;
        }
    }
}

// Solves for a right-hand side in place.
__device__ __forceinline__ void back_substitute(const float (&factors)[PAIRS], float (&x)[MAX_SCALES])
{
#pragma unroll
    for (int k = 0; k < MAX_SCALES; k++)
    {
#pragma unroll
        for (int i = k + 1; i < MAX_SCALES; i++)
            x[i] -= factors[pair_of(k, i)] * x[k];
    }
#pragma unroll
    for (int k = MAX_SCALES - 1; k >= 0; k--)
    {
        x[k] *= factors[pair_of(k, k)];
#pragma unroll
        for (int i = k + 1; i < MAX_SCALES; i++)
            x[k] -= factors[pair_of(k, i)] * x[i];
    }
}

// x_T = M_TT^-1 (b_T - level 1) with the sum total, and 0 elsewhere; the result is the level.
__device__ __forceinline__ float solve_on_support(
    const float* gram, float redundancy, int support, const float (&b)[MAX_SCALES], float total, float (&x)[MAX_SCALES])
{
    float factors[PAIRS], z[MAX_SCALES];
    factorize(gram, redundancy, support, factors);
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        x[s] = support >> s & 1 ? b[s] : 0;
        z[s] = support >> s & 1 ? 1 : 0;
    }
    back_substitute(factors, x);
    back_substitute(factors, z);
    float sumX = 0, sumZ = 0;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        sumX += x[s];
        sumZ += z[s];
    }
    const float level = (sumX - total) / sumZ;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
        x[s] -= level * z[s];
    return level;
}

// (M x)_s
__device__ __forceinline__ float times_matrix(const float* gram, float redundancy, const float (&x)[MAX_SCALES], int s)
{
    float sum = 0;
#pragma unroll
    for (int m = 0; m < MAX_SCALES; m++)
        sum += gram[s < m ? pair_of(s, m) : pair_of(m, s)] * x[m];
    return x[s] + redundancy * sum;
}

// What a solution shows of its quality.
struct Outcome
{
    float residual; // the largest violation of the conditions of a minimum, relative to max(1, |M a|, |c|)
    int steps;      // the number of supports tried
};

// Solves for the weights a of the first scales; the others get 0. The elements of linear and gram after them must be 0. Returns the support.
__device__ __forceinline__ int solve_simplex(
    const float* gram, float redundancy, int available, const float (&linear)[MAX_SCALES], float (&a)[MAX_SCALES], Outcome& outcome)
{
    const int all = (1 << available) - 1;
    float c[MAX_SCALES], target[MAX_SCALES];
    // A common offset does not change the solution but costs digits.
    float most = linear[0], total = 0;
#pragma unroll
    for (int s = 1; s < MAX_SCALES; s++)
        most = s < available ? fmaxf(most, linear[s]) : most;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        c[s] = s < available ? linear[s] - most : 0;
        total += c[s];
        a[s] = 0;
    }
    if (!(fabsf(total) < __int_as_float(0x7f800000)))
    {
        // There is no solution; the residual shows it.
        outcome = {__int_as_float(0x7fc00000), 0};
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
            a[s] = outcome.residual;
        return all;
    }
    // The support is corrected by all violated conditions at once, which mostly ends after one to three steps. Otherwise an active-set method begins at the
    // best vertex and lowers the objective at every step, so that it visits no support twice.
    int support = all, accepted = 0;
    bool isActive = false;
    for (int step = 0; step < MOST_STEPS; step++)
    {
        outcome.steps = step + 1;
        const float level = solve_on_support(gram, redundancy, support, c, 1, target);
        const float tolerance = ROUNDING * fmaxf(1, fabsf(level));
        int negative = 0, improving = 0, entering = 0;
        float lowest = -tolerance;
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            if (support >> s & 1)
            {
                negative |= target[s] > 0 ? 0 : 1 << s;
            }
            else if (s < available)
            {
                const float gain = times_matrix(gram, redundancy, target, s) - c[s] + level;
                improving |= gain < -tolerance ? 1 << s : 0;
                entering = gain < lowest ? 1 << s : entering;
                lowest = fminf(lowest, gain);
            }
        }
        if (!isActive || !negative)
        {
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
                a[s] = isActive || !(negative | improving) ? target[s] : a[s];
            if (!(negative | improving))
                break;
        }
        if (!isActive && step < CORRECTIONS && (support ^ negative ^ improving) != 0)
        {
            support ^= negative ^ improving;
            continue;
        }
        if (!isActive)
        {
            isActive = true;
            float best = 0;
            support = 0;
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
            {
                const float objective = (1 + redundancy * gram[pair_of(s, s)]) / 2 - c[s];
                if (s < available && (support == 0 || objective < best))
                {
                    best = objective;
                    support = 1 << s;
                }
            }
            continue;
        }
        if (!negative)
        {
            // Only rounding can bring the same support back.
            if (support == accepted || !entering)
                break;
            accepted = support;
            support |= entering;
            continue;
        }
        // Towards the target until a weight reaches 0.
        float length = 1;
        int leaving = 0;
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            if (!(negative >> s & 1))
                continue;
            const float distance = a[s] - target[s], reach = distance > 0 ? a[s] / distance : 0;
            if (leaving == 0 || reach < length)
            {
                length = fminf(1, fmaxf(0, reach));
                leaving = 1 << s;
            }
        }
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
            a[s] = leaving >> s & 1 ? 0 : a[s] + length * (target[s] - a[s]);
        support &= ~leaving;
    }
    float sum = 0;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        a[s] = fmaxf(a[s], 0);
        sum += a[s];
    }
    int members = 0;
    float height = 0, magnitude = 1, worst = 0;
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        a[s] /= sum;
        members |= a[s] > 0 ? 1 << s : 0;
    }
    float slopes[MAX_SCALES];
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        const float image = times_matrix(gram, redundancy, a, s);
        slopes[s] = image - c[s];
        height += a[s] * slopes[s];
        magnitude = s < available ? fmaxf(magnitude, fmaxf(fabsf(image), fabsf(linear[s]))) : magnitude;
    }
#pragma unroll
    for (int s = 0; s < MAX_SCALES; s++)
    {
        const float violation = members >> s & 1 ? fabsf(slopes[s] - height) : height - slopes[s];
        worst = s < available ? fmaxf(worst, violation) : worst;
    }
    outcome.residual = worst / magnitude;
    return members;
}
