// Softmax attention of 16 rows to columns that come in tiles of 16, and its gradients.

#pragma once

#include "tree_call.cuh"

// [16, 16] of the lane as the left operand of a product: sums [n][e + 2 r] of row g + 8 r and column 8 n + 2 t + e.
template <class T>
static __device__ __forceinline__ void to_left(const float (&tile)[2][4], Pair<T> (&left)[4])
{
#pragma unroll
    for (int n = 0; n < 2; n++)
    {
        left[2 * n] = PairOf<T>::make(tile[n][0], tile[n][1]);
        left[2 * n + 1] = PairOf<T>::make(tile[n][2], tile[n][3]);
    }
}

static __device__ __forceinline__ unsigned shuffle(unsigned pair, int lane)
{
    return __shfl_sync(ALL_LANES, pair, lane);
}

// The transpose of [16, 16] that is laid out as a left operand.
template <class T>
static __device__ __forceinline__ void transpose(const Pair<T> (&left)[4], Pair<T> (&transposed)[4], int g, int t)
{
    const int blocks[4] = {0, 2, 1, 3};
#pragma unroll
    for (int i = 0; i < 4; i++)
    {
        Pair<T> first = shuffle(left[blocks[i]], 8 * t + g / 2), second = shuffle(left[blocks[i]], 8 * t + 4 + g / 2);
        transposed[i] = join(first, second, g & 1);
    }
}

// tile[16, 16] = rows times columns.
template <class T>
static __device__ __forceinline__ void dot_tile(float (&tile)[2][4], const LeftRows<T>& rows, const Rows<T>& columns, int g, int t)
{
#pragma unroll
    for (int n = 0; n < 2; n++)
    {
        tile[n][0] = tile[n][1] = tile[n][2] = tile[n][3] = 0;

        // In bfloat16 products are cheap, and without a branch all loads are in flight together.
        if (sizeof(T) == 2 || columns.count > 8 * n)
            rows.dot(tile[n], columns.row(8 * n + g), t);
    }
}

// The forward pass. A hidden column has the weight 0 exactly, so what it holds can't change a row.
template <class T>
struct RowAttention
{
    LeftRows<T> queries;
    RowSums sums;
    float largest[2];
    float total[2]; // of the lane's columns

    __device__ __forceinline__ void start(const Rows<T>& rows, int g, int t)
    {
        queries.load(rows.row(g), rows.row(g + 8), t);
        sums.clear();
        largest[0] = largest[1] = minus_infinity();
        total[0] = total[1] = 0;
    }

    // bias(column) is added to a logit; is_hidden(row, column).
    template <class Bias, class IsHidden>
    __device__ __forceinline__ void add(const Rows<T>& keys, const Rows<T>& values, float scale, Bias bias, IsHidden is_hidden, int g, int t)
    {
        float tile[2][4];
        dot_tile(tile, queries, keys, g, t);
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
#pragma unroll
            for (int e = 0; e < 2; e++)
            {
                int column = 8 * n + 2 * t + e;
                bool exists = column < keys.count;
                float shift = exists ? bias(column) : 0;
#pragma unroll
                for (int r = 0; r < 2; r++)
                {
                    float& logit = tile[n][2 * r + e];
                    logit = exists && !is_hidden(g + 8 * r, column) ? logit * scale + shift : minus_infinity();
                }
            }
        }
        float factor[2];
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            float next = row_max(fmaxf(fmaxf(tile[0][2 * r], tile[0][2 * r + 1]), fmaxf(tile[1][2 * r], tile[1][2 * r + 1])));
            next = fmaxf(largest[r], next);
            float base = next == minus_infinity() ? 0 : next; // a row without columns so far
            factor[r] = EXP(largest[r] - base);
            largest[r] = next;
            total[r] *= factor[r];
#pragma unroll
            for (int n = 0; n < 2; n++)
            {
#pragma unroll
                for (int e = 0; e < 2; e++)
                {
                    float& weight = tile[n][2 * r + e];
                    weight = EXP(weight - base);
                    total[r] += weight;
                }
            }
        }
        sums.scale(factor[0], factor[1]);
        Pair<T> weights[4];
        to_left<T>(tile, weights);
        sums.add(weights, values, g, t);
    }

    // Normalizes the sums. Returns the log-sum-exp of rows g and g + 8; minus infinity, and sums of 0, for a row that sees nothing.
    __device__ __forceinline__ void finish(float (&logSums)[2])
    {
        float inverse[2];
#pragma unroll
        for (int r = 0; r < 2; r++)
        {
            float all = row_sum(total[r]);
            inverse[r] = all > 0 ? 1 / all : 0;
            logSums[r] = all > 0 ? largest[r] + logf(all) : minus_infinity();
        }
        sums.scale(inverse[0], inverse[1]);
    }
};

// What the gradient of a row's logits needs: d logit = weight * (factor * (dO . value) + shift), and d value = sum of weight * factor * dO.
struct RowScalars
{
    float logSum;
    float factor;
    float shift;
};

static __device__ __forceinline__ float weight_of(float logit, float logSum)
{
    return logSum == minus_infinity() ? 0 : EXP(logit - logSum);
}

// The gradient of 16 queries, over tiles of columns.
template <class T>
struct QueryGradient
{
    LeftRows<T> queries;
    LeftRows<T> outputs; // dO
    RowSums sums;
    RowScalars scalars[2];

    __device__ __forceinline__ void start(const Rows<T>& rows, const Rows<T>& gradients, int g, int t)
    {
        queries.load(rows.row(g), rows.row(g + 8), t);
        outputs.load(gradients.row(g), gradients.row(g + 8), t);
        sums.clear();
    }

    template <class Bias, class IsHidden>
    __device__ __forceinline__ void add(const Rows<T>& keys, const Rows<T>& values, float scale, Bias bias, IsHidden is_hidden, int g, int t)
    {
        Pair<T> logits[4], weights[4];
        add(keys, values, scale, bias, is_hidden, g, t, logits, weights);
    }

    // Also returns the gradients of the tile's logits, and its weights times the rows' factors, as left operands.
    template <class Bias, class IsHidden>
    __device__ __forceinline__ void add(
        const Rows<T>& keys, const Rows<T>& values, float scale, Bias bias, IsHidden is_hidden, int g, int t, Pair<T> (&logits)[4], Pair<T> (&weights)[4])
    {
        float tile[2][4], products[2][4];
        dot_tile(tile, queries, keys, g, t);
        dot_tile(products, outputs, values, g, t);
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
#pragma unroll
            for (int e = 0; e < 2; e++)
            {
                int column = 8 * n + 2 * t + e;
                bool exists = column < keys.count;
                float shift = exists ? bias(column) : 0;
#pragma unroll
                for (int r = 0; r < 2; r++)
                {
                    float& logit = tile[n][2 * r + e];
                    float& product = products[n][2 * r + e];
                    const RowScalars& row = scalars[r];
                    float weight = exists && !is_hidden(g + 8 * r, column) ? weight_of(logit * scale + shift, row.logSum) : 0;
                    logit = weight == 0 ? 0 : weight * (row.factor * product + row.shift);
                    product = weight * row.factor;
                }
            }
        }
        to_left<T>(products, weights);
        to_left<T>(tile, logits);
        sums.add(logits, keys, g, t);
    }
};

// transposed(weights)[16, 16] rows[16, HEAD_DIM]: the gradients of the columns of a tile that no other rows see.
template <class T>
static __device__ __forceinline__ void column_sums(const Pair<T> (&weights)[4], const Rows<T>& rows, RowSums& sums, int g, int t)
{
    Pair<T> left[4];
    transpose<T>(weights, left, g, t);
    sums.clear();
    sums.add(left, rows, g, t);
}

// The gradients of 16 keys and values, over tiles of the queries that see them.
template <class T>
struct ColumnGradient
{
    LeftRows<T> keys;
    LeftRows<T> values;
    RowSums keySums;
    RowSums valueSums;

    __device__ __forceinline__ void start(const Rows<T>& keyRows, const Rows<T>& valueRows, int g, int t)
    {
        keys.load(keyRows.row(g), keyRows.row(g + 8), t);
        values.load(valueRows.row(g), valueRows.row(g + 8), t);
        keySums.clear();
        valueSums.clear();
    }

    // bias holds those of columns g and g + 8; is_hidden(query, column); scalars(query) returns RowScalars.
    template <class Scalars, class IsHidden>
    __device__ __forceinline__ void add(
        const Rows<T>& queries, const Rows<T>& gradients, float scale, const float (&bias)[2], Scalars scalars, IsHidden is_hidden, int g, int t)
    {
        float tile[2][4], products[2][4];
        dot_tile(tile, keys, queries, g, t);
        dot_tile(products, values, gradients, g, t);
#pragma unroll
        for (int n = 0; n < 2; n++)
        {
#pragma unroll
            for (int e = 0; e < 2; e++)
            {
                int query = 8 * n + 2 * t + e;
                bool exists = query < queries.count;
                RowScalars row = {0, 0, 0};
                if (exists)
                    row = scalars(query);
#pragma unroll
                for (int r = 0; r < 2; r++)
                {
                    float& logit = tile[n][2 * r + e];
                    float& product = products[n][2 * r + e];
                    float weight = exists && !is_hidden(query, g + 8 * r) ? weight_of(logit * scale + bias[r], row.logSum) : 0;
                    logit = weight == 0 ? 0 : weight * (row.factor * product + row.shift);
                    product = weight * row.factor;
                }
            }
        }
        Pair<T> left[4];
        to_left<T>(products, left);
        valueSums.add(left, gradients, g, t);
        to_left<T>(tile, left);
        keySums.add(left, queries, g, t);
    }
};
