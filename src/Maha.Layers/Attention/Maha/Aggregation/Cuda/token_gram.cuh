// The Gram matrices that the programs of a tile of tokens need: one of the document, or in a causal model one of each token.
#pragma once

#include "scale_call.cuh"

// Odd, so that the threads of a warp read from different banks.
#define GRAM_STRIDE (PAIRS | 1)
#define TOKEN_GRAM (TILE_TOKENS * GRAM_STRIDE)

// Fills gram [PAIRS] or [TILE_TOKENS, GRAM_STRIDE]. All threads of the block call it, and wait for each other afterwards.
__device__ __forceinline__ void load_gram(const ScaleCall& call, int document, int first, int warps, float* gram)
{
    if (!call.shift)
    {
        for (int i = threadIdx.x; i < PAIRS; i += 32 * warps)
            gram[i] = call.gram[(long long)document * PAIRS + i];
        return;
    }
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, count = TILE_TOKENS / warps;
    for (int i = warp * count; i < (warp + 1) * count && first + i < document_tokens(call, document); i++)
    {
        const int place = first + i + call.shift, available = available_scales(call, document, place);
        float* matrix = gram + i * GRAM_STRIDE;
        // The matrix of the token before, where both rows are the same.
        for (int pair = lane; pair < PAIRS; pair += 32)
            matrix[pair] = i == warp * count ? 0 : matrix[pair - GRAM_STRIDE];
        __syncwarp();
        for (int s = 0; s < available; s++)
        {
            if (i != warp * count && place % call.cells[s] != 0)
                continue;
            const long long row = row_at(call, s, document, place);
            const float scale = call.inverses[call.rowStart[s] + row];
            Row values;
            load_row(call.outputs[s] + row * WIDTH, values);
#pragma unroll 2
            for (int m = s; m < available; m++)
            {
                const long long other = row_at(call, m, document, place);
                const float product = row_product(values, call.outputs[m] + other * WIDTH) * scale * call.inverses[call.rowStart[m] + other] / WIDTH;
                if (lane == 0)
                    matrix[pair_of(s, m)] = product;
            }
        }
        __syncwarp();
    }
}
