using System.Numerics;

namespace Maha.Layers.Text;

// V n-grams, C classes

/// <summary>A linear score for every class: z_c = sum_f x_f w_fc + b_c.</summary>
/// <remarks>The weights of one n-gram for all classes stand side by side, padded with zeros to whole vectors.</remarks>
internal sealed class LinearModel
{
    public LinearModel(int numFeatures, int numClasses)
    {
        NumClasses = numClasses;
        Stride = StrideOf(numClasses);
        Weights = new float[checked(numFeatures * Stride)];
        Bias = new float[Stride];
    }

    /// <summary>C.</summary>
    public int NumClasses { get; }

    /// <summary>From one n-gram's weights to the next.</summary>
    public int Stride { get; }

    /// <summary>[V, Stride].</summary>
    public float[] Weights { get; }

    /// <summary>[Stride].</summary>
    public float[] Bias { get; }

    /// <summary>C, raised to whole vectors.</summary>
    public static int StrideOf(int numClasses) => (numClasses + Vector<float>.Count - 1) / Vector<float>.Count * Vector<float>.Count;

    /// <summary>The scores of a vector, [Stride].</summary>
    public void Score(SparseVector vector, Span<float> scores)
    {
        Bias.CopyTo(scores);
        for (int i = 0; i < vector.Indices.Length; i++)
            AddScaled(Weights.AsSpan(vector.Indices[i] * Stride, Stride), vector.Values[i], scores);
    }

    /// <summary>target += scale * source, of whole vectors.</summary>
    public static void AddScaled(ReadOnlySpan<float> source, float scale, Span<float> target)
    {
        var factor = new Vector<float>(scale);
        for (int c = 0; c < target.Length; c += Vector<float>.Count)
            (new Vector<float>(target[c..]) + factor * new Vector<float>(source[c..])).CopyTo(target[c..]);
    }

    /// <summary>Rounds every weight to half precision, in which it is saved, so that a loaded model scores as the fitted one.</summary>
    public void Round()
    {
        foreach (ref float weight in Weights.AsSpan())
            weight = (float)(Half)weight;
    }
}
