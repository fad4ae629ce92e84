using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Maha.Layers.Kernels;

// c keys (columns of the weights), 16 queries side by side

/// <summary>Softmax of scores kept as [keys, queries]: it runs down the rows with whole vectors of queries and needs no reduction across lanes.</summary>
internal static unsafe class TransposedSoftmax
{
    /// <summary>Queries of a panel.</summary>
    public const int Queries = 16;

    /// <summary>Turns the scores of one panel into weights that sum to 1 over the keys, after adding bias[j] to those of key j.</summary>
    /// <param name="scores">Of the panel's first query with the first key; <paramref name="row"/> elements between keys.</param>
    /// <param name="row">Elements between keys.</param>
    /// <param name="keys">c.</param>
    /// <param name="bias">[c].</param>
    /// <param name="hiddenFrom">Key j below <paramref name="hiddenKeys"/> is hidden from the queries before j - hiddenFrom: the panel's first query is key number hiddenFrom.</param>
    /// <param name="hiddenKeys">0 where nothing is hidden.</param>
    /// <returns>The logarithm's parts: the largest score and the sum of exponentials of every query.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (Vector512<float> Largest, Vector512<float> Total) Weights(float* scores, nint row, int keys, float* bias, int hiddenFrom, int hiddenKeys)
    {
        var largest = Vector512.Create(float.NegativeInfinity);
        var query = Vector512<int>.Indices + Vector512.Create(hiddenFrom);
        float* s = scores;
        int j = 0;
        for (; j < hiddenKeys; j++, s += row)
        {
            var seen = Vector512.GreaterThanOrEqual(query, Vector512.Create(j)).AsSingle();
            var score = Vector512.ConditionalSelect(seen, Vector512.Load(s) + Vector512.Create(bias[j]), Vector512.Create(float.NegativeInfinity));
            score.Store(s);
            largest = Vector512.MaxNative(largest, score);
        }

        for (; j < keys; j++, s += row)
        {
            var score = Vector512.Load(s) + Vector512.Create(bias[j]);
            score.Store(s);
            largest = Vector512.MaxNative(largest, score);
        }

        var total = Vector512<float>.Zero;
        s = scores;
        for (j = 0; j < keys; j++, s += row)
        {
            var e = VectorMath.ExpNonPositive(Vector512.Load(s) - largest);
            e.Store(s);
            total += e;
        }

        // Divided by the sum, not exp(score - logsumexp), whose rounding would show in the sum of a query's weights.
        var inverse = Vector512<float>.One / total;
        s = scores;
        for (j = 0; j < keys; j++, s += row)
            (Vector512.Load(s) * inverse).Store(s);
        return (largest, total);
    }
}
