using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Maha.Layers.Kernels;

// c keys (columns of the weights), 16 queries side by side

/// <summary>Softmax of scores kept as [keys, queries]. It runs down the rows with whole vectors of queries and needs no reduction across lanes.</summary>
internal static unsafe class TransposedSoftmax
{
    /// <summary>The number of queries of a panel.</summary>
    public const int Queries = 16;

    /// <summary>Turns the scores of one panel into weights that sum to 1 over the keys, after adding bias[j] to those of key j.</summary>
    /// <param name="scores">The scores of the panel, [c, 16], with <paramref name="row"/> elements between keys.</param>
    /// <param name="row">Elements between keys.</param>
    /// <param name="keys">c.</param>
    /// <param name="bias">[c].</param>
    /// <param name="firstQuery">The number of the panel's first query among the keys. Query i sees the causal keys up to firstQuery + i only.</param>
    /// <param name="causalKeys">The number of causal keys, which are the first; 0 if every query sees all keys.</param>
    /// <returns>The parts of the log-sum-exp of every query: the largest score and the sum of exponentials.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (Vector512<float> Largest, Vector512<float> Total) Weights(float* scores, nint row, int keys, float* bias, int firstQuery, int causalKeys)
    {
        var largest = Vector512.Create(float.NegativeInfinity);
        var query = Vector512<int>.Indices + Vector512.Create(firstQuery);
        float* s = scores;
        int j = 0;
        for (; j < causalKeys; j++, s += row)
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

        // Divides by the sum, since the rounding of exp(score - logsumexp) would show in the sum of a query's weights.
        var inverse = Vector512<float>.One / total;
        s = scores;
        for (j = 0; j < keys; j++, s += row)
            (Vector512.Load(s) * inverse).Store(s);
        return (largest, total);
    }
}
