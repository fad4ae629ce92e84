// The gradients of the aggregation of scales, from scalars per token and row to the rows themselves.
#include "scale_program.cuh"
#include "token_gram.cuh"

#define DOT_WARPS 4
#define ROW_WARPS 8
#define SUM_THREADS 1024
#define SUM_WARPS 8

// The sums of a tile: S * S gradients of G, S of utilities, S of weights.
#define TILE_COLUMNS (call.scales * (call.scales + 2))

// One block takes TILE_TOKENS tokens of a document: the gradients of their weights, then those of their programs, and the sums of both. Grid: (tiles, B).
extern "C" __global__ void __launch_bounds__(32 * DOT_WARPS) scale_weight_gradients(const ScaleCall call)
{
    __shared__ float weightGradients[TILE_TOKENS][MAX_SCALES], weights[TILE_TOKENS][MAX_SCALES];
    __shared__ float adjoints[TILE_TOKENS][MAX_SCALES], utilityGradients[TILE_TOKENS][MAX_SCALES];
    __shared__ float gram[TOKEN_GRAM];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, document = blockIdx.y, first = blockIdx.x * TILE_TOKENS;
    const int tokens = document_tokens(call, document);
    if (call.rule == WEIGHTS_TOKEN)
        load_gram(call, document, first, DOT_WARPS, gram);
    for (int i = warp * (TILE_TOKENS / DOT_WARPS); i < (warp + 1) * (TILE_TOKENS / DOT_WARPS); i++)
    {
        const int token = first + i, place = token + call.shift;
        const int available = token < tokens ? available_scales(call, document, place) : 0;
        if (lane < MAX_SCALES)
            weightGradients[i][lane] = 0;
        __syncwarp();
        if (token >= tokens)
            continue;
        Row gradient;
        load_row(call.mixedGradient + ((long long)document * call.length + token) * WIDTH, gradient);
#pragma unroll 2
        for (int s = 0; s < available; s++)
        {
            const float product = row_product(gradient, call.outputs[s] + row_at(call, s, document, place) * WIDTH);
            if (lane == 0)
                weightGradients[i][s] = product;
        }
    }
    __syncthreads();
    if (threadIdx.x < TILE_TOKENS)
    {
        const int token = first + threadIdx.x, place = token + call.shift;
        const long long number = (long long)document * call.length + token;
        const int available = token < tokens ? available_scales(call, document, place) : 0;
        float adjoint[MAX_SCALES], utilityGradient[MAX_SCALES];
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
            adjoint[s] = utilityGradient[s] = weights[threadIdx.x][s] = 0;
        if (call.rule == WEIGHTS_TOKEN && available > 0)
        {
            const float* matrix = gram + (call.shift ? threadIdx.x * GRAM_STRIDE : 0);
            const float* own = weights_of(call, document, token);
            float utilities[MAX_SCALES], weightGradient[MAX_SCALES];
            utilities_at(call, document, place, available, utilities);
#pragma unroll
            for (int s = 0; s < MAX_SCALES; s++)
            {
                weightGradient[s] = weightGradients[threadIdx.x][s];
                weights[threadIdx.x][s] = s < available ? own[s] : 0;
            }
            allocate_gradients(call, matrix, utilities, available, call.supports[number], weightGradient, adjoint, utilityGradient);
        }
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            adjoints[threadIdx.x][s] = adjoint[s];
            utilityGradients[threadIdx.x][s] = utilityGradient[s];
            if (s >= call.scales || token >= call.length || call.rule != WEIGHTS_TOKEN)
                continue;
            call.utilityGradients[number * call.scales + s] = utilityGradient[s];
            if (!call.shift)
                continue;
            // <R_s, dR_s> / D, of which dR_s = -rho (y_s sum of w_m R_m + w_s sum of y_m R_m) / D is the part of the matrix.
            call.adjoints[number * call.scales + s] = adjoint[s];
            float along = 0;
#pragma unroll
            for (int m = 0; m < MAX_SCALES; m++)
            {
                const float product = available > 0 ? gram[threadIdx.x * GRAM_STRIDE + (s < m ? pair_of(s, m) : pair_of(m, s))] : 0;
                along -= call.redundancy * (adjoint[s] * weights[threadIdx.x][m] + weights[threadIdx.x][s] * adjoint[m]) * product;
            }
            call.alongs[number * call.scales + s] = along / WIDTH;
        }
    }
    __syncthreads();
    float* sums = call.tileSums + ((long long)document * call.tiles + blockIdx.x) * TILE_COLUMNS;
    const int square = call.scales * call.scales;
    for (int i = threadIdx.x; i < TILE_COLUMNS; i += blockDim.x)
    {
        const int s = i < square ? i / call.scales : (i - square) % call.scales, m = i % call.scales;
        float sum = 0;
        for (int t = 0; t < TILE_TOKENS; t++)
            sum += i < square ? -call.redundancy * adjoints[t][s] * weights[t][m] : i < square + call.scales ? utilityGradients[t][s] : weightGradients[t][s];
        sums[i] = sum;
    }
}

// One block takes one document: the sums of its tiles, in one order, and the gradients of its program where all of its tokens share one. Grid: (B).
extern "C" __global__ void __launch_bounds__(SUM_THREADS) scale_program_gradients(const ScaleCall call)
{
    __shared__ double parts[SUM_THREADS];
    __shared__ float sums[MAX_SCALES * (MAX_SCALES + 2)];
    const int columns = TILE_COLUMNS, groups = SUM_THREADS / columns, column = threadIdx.x % columns, group = threadIdx.x / columns;
    const int document = blockIdx.x, tokens = document_tokens(call, document), scales = call.scales, square = scales * scales;
    double sum = 0;
    if (group < groups)
    {
        const float* from = call.tileSums + (long long)document * call.tiles * columns + column;
#pragma unroll 8
        for (int tile = group; tile < call.tiles; tile += groups)
            sum += from[(long long)tile * columns];
    }
    parts[threadIdx.x] = sum;
    __syncthreads();
    if (group == 0)
    {
        sum = 0;
        for (int i = 0; i < groups; i++)
            sum += parts[i * columns + column];
        sums[column] = (float)sum;
    }
    __syncthreads();
    if (call.rule == WEIGHTS_GIVEN && threadIdx.x < scales)
        call.weightGradients[document * scales + threadIdx.x] = sums[square + scales + threadIdx.x];
    if (call.rule == WEIGHTS_DOCUMENT && threadIdx.x == 0)
    {
        const int available = document_scales(call, document);
        float utilities[MAX_SCALES], weightGradient[MAX_SCALES], adjoint[MAX_SCALES], utilityGradient[MAX_SCALES], weights[MAX_SCALES];
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            utilities[s] = s < scales ? call.documentUtilities[document * scales + s] : 0;
            weights[s] = s < scales ? call.weights[(long long)document * call.allScales + s] : 0;
            weightGradient[s] = s < available ? sums[square + scales + s] : 0;
        }
        allocate_gradients(
            call, call.gram + (long long)document * PAIRS, utilities, available, call.supports[document], weightGradient, adjoint, utilityGradient);
#pragma unroll
        for (int s = 0; s < MAX_SCALES; s++)
        {
            if (s >= scales)
                continue;
            sums[square + s] = utilityGradient[s];
#pragma unroll
            for (int m = 0; m < MAX_SCALES; m++)
            {
                if (m < scales)
                    sums[s * scales + m] = -call.redundancy * adjoint[s] * weights[m];
            }
        }
    }
    __syncthreads();
    const float count = (float)max(1, tokens);
    if (call.gramGradient && threadIdx.x < square)
    {
        const int s = threadIdx.x / scales, m = threadIdx.x % scales;
        call.gramGradient[(long long)document * square + threadIdx.x] = (sums[s * scales + m] + sums[m * scales + s]) / (count * WIDTH);
    }
    if (call.documentUtilityGradients && threadIdx.x < scales)
        call.documentUtilityGradients[document * scales + threadIdx.x] = sums[square + threadIdx.x];
}

// A warp takes a row: the gradient of its utility, and <R, dR> / D of the gradient dR of the normalized row. Grid: (rows / ROW_WARPS).
extern "C" __global__ void __launch_bounds__(32 * ROW_WARPS) scale_row_gradients(const ScaleCall call)
{
    const int lane = threadIdx.x & 31;
    const long long number = (long long)blockIdx.x * ROW_WARPS + (threadIdx.x >> 5);
    int scale = 0;
    while (scale + 1 < call.scales && call.rowStart[scale + 1] <= number)
        scale++;
    const long long row = number - call.rowStart[scale];
    if (row >= (long long)call.batch * call.lengths[scale])
        return;
    const int document = (int)(row / call.lengths[scale]), cell = call.cells[scale], place = ((int)(row % call.lengths[scale]) + call.shift) * cell;
    const int tokens = document_tokens(call, document), end = min(tokens + call.shift, place + cell);
    if (place >= end || scale >= document_scales(call, document))
        return;
    float utilityGradient = 0, along = 0;
    if (call.rule == WEIGHTS_TOKEN)
    {
        for (int p = place + lane; p < end; p += 32)
        {
            const long long at = ((long long)document * call.length + p - call.shift) * call.scales + scale;
            utilityGradient += call.utilityGradients[at];
            along += call.shift ? call.alongs[at] : 0;
        }
        utilityGradient = warp_sum(utilityGradient);
    }
    else if (call.rule == WEIGHTS_DOCUMENT)
    {
        utilityGradient = call.documentUtilityGradients[document * call.scales + scale] * (end - place) / tokens;
    }
    if (!call.shift)
    {
        // The products with finer rows are those of the tokens of their cells with this row.
        const float* gradients = call.gramGradient + (long long)document * call.scales * call.scales + scale * call.scales;
        for (int s = 0; s <= scale; s++)
        {
            const int fine = call.cells[s];
            float sum = 0;
            for (int p = place + lane * fine; p < end; p += 32 * fine)
                sum += call.products[(call.rowStart[s] + row_at(call, s, document, p)) * call.scales + scale] * (float)(min(end, p + fine) - p);
            along += gradients[s] * sum;
        }
        for (int m = scale + 1 + lane; m < document_scales(call, document); m += 32)
            along += gradients[m] * call.products[number * call.scales + m] * (float)(end - place);
    }
    along = warp_sum(along);
    if (lane != 0)
        return;
    if (call.isSoftmax && call.utility)
        along += utilityGradient * call.utilities[number] / WIDTH;
    call.rowAlongs[number] = along;
    call.rowUtilityGradients[number] = utilityGradient;
}

#include "scale_walk.cuh"

// The gradients of v, from its parts, and of b, from the documents. A block of 32 x SUM_WARPS threads takes 32 channels; the last block takes b.
extern "C" __global__ void __launch_bounds__(32 * SUM_WARPS) scale_parameter_gradients(const ScaleCall call)
{
    __shared__ float shared[SUM_WARPS][32];
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, channel = blockIdx.x * 32 + lane;
    if (blockIdx.x == gridDim.x - 1)
    {
        if (threadIdx.x >= call.allScales)
            return;
        float total = 0;
        for (int document = 0; document < call.batch && threadIdx.x < call.scales; document++)
            total += call.documentUtilityGradients[document * call.scales + threadIdx.x];
        store(call.biasGradient + threadIdx.x, total);
        return;
    }
    float total = 0;
    if (channel < WIDTH)
    {
#pragma unroll 4
        for (int part = warp; part < call.utilityPartCount; part += SUM_WARPS)
            total += call.utilityParts[(long long)part * WIDTH + channel];
    }
    shared[warp][lane] = total;
    __syncthreads();
    if (warp != 0 || channel >= WIDTH)
        return;
    total = 0;
#pragma unroll
    for (int w = 0; w < SUM_WARPS; w++)
        total += shared[w][lane];
    store(call.utilityGradient + channel, total);
}
