// The arguments that the kernels of the aggregation share, and the places of rows and tokens.
// Options: -DWIDTH=D, -DMAX_SCALES=4, 8 or 12, -DBFLOAT16.
//
// The output of scale s is O_s [B, N_s, D]; the rows of all scales have one numbering, scale by scale. A token i has the place i + shift, shift 0, or 1 in a
// causal model: token i uses row place / cell - shift of a scale, the cell that it lies in, or in a causal model the last complete one. So the tokens that
// use a row have consecutive places, of which the first is (row + shift) * cell, and the cells of a scale consist of whole cells of every finer one.

#pragma once

#include "elements.cuh"

#define VECTORS (WIDTH / PER_VECTOR)
#define TURNS ((VECTORS + 31) / 32)
#define MOST_SCALES 12
#define PAIRS (MAX_SCALES * (MAX_SCALES + 1) / 2)
#define EPSILON 1e-6f // of the normalization of rows

// What a program's weights are.
#define WEIGHTS_EQUAL 0    // the same for every scale that a token has
#define WEIGHTS_GIVEN 1    // given for each document
#define WEIGHTS_DOCUMENT 2 // the solution of one program per document
#define WEIGHTS_TOKEN 3    // the solution of one program per token

// S scales of the batch. ScaleCall in C# has the same layout.
struct ScaleCall
{
    const Element* outputs[MOST_SCALES];  // O_s
    Element* gradients[MOST_SCALES];      // of O_s

    const int* tokens;                    // [B], of a document
    const int* available;                 // [B], the number of scales that a document uses
    const float* costs;                   // [B, S], the price of the scales; null for none
    const Element* utility;               // v [D]; null where the utilities are biases only
    const Element* bias;                  // b [S]
    Element* mixed;                       // [B, N, D]
    const Element* mixedGradient;         // [B, N, D]
    float* weights;                       // [B, N, all scales], or [B, all scales] where a document shares its weights
    float* residuals;                     // [B], the largest relative violation of the conditions of a minimum
    int* steps;                           // [B], the largest number of supports tried
    int* supports;                        // [B, N] or [B], the scales with weight as bits

    float* inverses;                      // [rows], the inverse root mean squares
    float* utilities;                     // [rows], without bias
    float* products;                      // [rows, S]: the products of the normalized row with itself and its coarser ones; null for none
    float* sums;                          // [B, chunks, PAIRS + MAX_SCALES]
    float* gram;                          // [B, PAIRS], G / D per token
    float* documentUtilities;             // [B, S], of the programs of documents

    float* utilityGradients;              // [B, N, S]
    float* adjoints;                      // [B, N, S], causal: the gradients of the linear terms
    float* alongs;                        // [B, N, S], causal: the products of R_s and its gradient, without that of the utility
    float* tileSums;                      // [B, tiles, S * S + 2 S]: gradients of G; of utilities; of weights
    float* gramGradient;                  // [B, S, S], of the normalized rows' products, symmetric
    float* documentUtilityGradients;      // [B, S]: per token where the document has one program; else the sums over its tokens
    float* weightGradients;               // [B, S], of given weights
    float* rowUtilityGradients;           // [rows]
    float* rowAlongs;                     // [rows]
    float* coarseSums;                    // [B, chunks, coarse scales, D]
    float* utilityParts;                  // [parts, D]
    Element* utilityGradient;             // of v
    Element* biasGradient;                // of b, [all scales]

    int rowStart[MOST_SCALES];
    int lengths[MOST_SCALES];             // N_s
    int cells[MOST_SCALES];               // r^s

    int batch;
    int length;                           // N
    int scales;                           // S
    int allScales;                        // those of the model
    int shift;
    int chunk;                            // the places of a chunk, a cell of the coarsest scale that has no larger ones
    int chunks;                           // per document
    int chunkScales;                      // the scales whose cells lie in chunks
    int utilityPartCount;                 // the parts of the gradient of v
    int tiles;                            // of tokens, per document
    int rule;                             // WEIGHTS_...
    int usesGram;
    int isSoftmax;                        // whether utilities are of normalized rows and give a preference by softmax
    float redundancy;                     // rho
    float temperature;                    // tau
    float floor;                          // f
};

#define TILE_TOKENS 32

__device__ __forceinline__ int document_tokens(const ScaleCall& call, int document) { return call.tokens[document]; }

// In a causal model a document has all scales, and the batch those that have a row.
__device__ __forceinline__ int document_scales(const ScaleCall& call, int document) { return min(call.scales, call.available[document]); }

// The number of scales that the token at a place has; they are the finest ones.
__device__ __forceinline__ int available_scales(const ScaleCall& call, int document, int place)
{
    int available = document_scales(call, document);
    while (call.shift && available > 1 && call.cells[available - 1] > place)
        available--;
    return available;
}

__device__ __forceinline__ long long row_at(const ScaleCall& call, int scale, int document, int place)
{
    return (long long)document * call.lengths[scale] + place / call.cells[scale] - call.shift;
}

// The place of G_sm, s <= m, among the pairs.
__device__ __forceinline__ int pair_of(int s, int m) { return s * (2 * MAX_SCALES - 1 - s) / 2 + m; }

__device__ __forceinline__ float* weights_of(const ScaleCall& call, int document, int token)
{
    const bool isToken = call.rule == WEIGHTS_TOKEN || (call.rule == WEIGHTS_EQUAL && call.shift);
    return call.weights + (isToken ? (long long)document * call.length + token : document) * call.allScales;
}

// A row of WIDTH elements, held by a warp.
struct Row
{
    float values[TURNS][PER_VECTOR];
};

__device__ __forceinline__ void load_row(const Element* source, Row& row)
{
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
        if (turn * 32 + lane < VECTORS)
        {
            load_vector(source + (turn * 32 + lane) * PER_VECTOR, row.values[turn]);
        }
        else
        {
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
                row.values[turn][i] = 0;
        }
    }
}

// The product of a row and one in memory, the same in every lane.
__device__ __forceinline__ float row_product(const Row& row, const Element* other)
{
    const int lane = threadIdx.x & 31;
    float sum = 0;
#pragma unroll
    for (int turn = 0; turn < TURNS; turn++)
    {
        if (turn * 32 + lane < VECTORS)
        {
            float values[PER_VECTOR];
            load_vector(other + (turn * 32 + lane) * PER_VECTOR, values);
#pragma unroll
            for (int i = 0; i < PER_VECTOR; i++)
                sum += row.values[turn][i] * values[i];
        }
    }
    return warp_sum(sum);
}
