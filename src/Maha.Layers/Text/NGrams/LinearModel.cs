using System.Numerics;
using System.Runtime.CompilerServices;

namespace Maha.Layers.Text;

// V n-grams, C classes

/// <summary>A linear score of each class: z_c = sum_f x_f w_fc + b_c.</summary>
/// <remarks>The weights of one n-gram for all classes are adjacent, padded with zeros to whole SIMD vectors.</remarks>
internal sealed class LinearModel
{
    /// <param name="numFeatures">V.</param>
    /// <param name="numClasses">C.</param>
    public LinearModel(int numFeatures, int numClasses)
    {
        NumClasses = numClasses;
        Stride = StrideFor(numClasses);
        Weights = new float[checked(numFeatures * Stride)];
        Bias = new float[Stride];
    }

    /// <summary>C.</summary>
    public int NumClasses { get; }

    /// <summary>The distance from the weights of one n-gram to those of the next.</summary>
    public int Stride { get; }

    /// <summary>[V, Stride].</summary>
    public float[] Weights { get; }

    /// <summary>[Stride].</summary>
    public float[] Bias { get; }

    /// <summary>Returns C, rounded up to whole SIMD vectors.</summary>
    public static int StrideFor(int numClasses) => (numClasses + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;

    /// <summary>Computes the scores of a vector, [Stride].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Score(SparseVector vector, Span<float> scores)
    {
        Bias.CopyTo(scores);
        for (int i = 0; i < vector.Indices.Length; i++)
            AddScaled(Weights.AsSpan(vector.Indices[i] * Stride, Stride), vector.Values[i], scores);
    }

    /// <summary>Computes target += scale * source, over whole SIMD vectors.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(ReadOnlySpan<float> source, float scale, Span<float> target)
    {
        var factor = new Vector<float>(scale);
        for (int c = 0; c < target.Length; c += Vector<float>.Count)
            (new Vector<float>(target[c..]) + factor * new Vector<float>(source[c..])).CopyTo(target[c..]);
    }
}
