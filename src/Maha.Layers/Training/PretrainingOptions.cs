using Maha.Layers.Core;

namespace Maha.Layers.Training;

/// <summary>What an encoder learns from documents without labels.</summary>
public sealed record PretrainingOptions
{
    /// <summary>How much the prediction of masked tokens counts in the loss.</summary>
    /// <value>1. At least 0 and finite.</value>
    public double MaskedTokenWeight { get; init; } = 1;

    /// <summary>How much the recognition of a document by another part of it counts in the loss.</summary>
    /// <value>1. At least 0 and finite; 0 trains on masked tokens alone.</value>
    public double ContrastiveWeight { get; init; } = 1;

    /// <summary>The share of a text's tokens that are masked.</summary>
    /// <value>0.15, as in BERT. In [0, 1).</value>
    public double MaskFraction { get; init; } = 0.15;

    /// <summary>Whether masked tokens are predicted with the embedding's own weights.</summary>
    /// <value>True; false learns a layer of its own.</value>
    public bool TieEmbedding { get; init; } = true;

    /// <summary>The tokens of each of the two views of a document.</summary>
    /// <value>128. From 2 to 16,777,216.</value>
    public int ViewLength { get; init; } = 128;

    /// <summary>tau, how sharply a document's two views are told from the other documents'.</summary>
    /// <value>0.1. Above 0 and finite.</value>
    public double Temperature { get; init; } = 0.1;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public void Validate()
    {
        Require(MaskedTokenWeight >= 0 && double.IsFinite(MaskedTokenWeight), MaskedTokenWeight, nameof(MaskedTokenWeight), "be at least 0 and finite", "Use 0 to leave masked tokens out.");
        Require(ContrastiveWeight >= 0 && double.IsFinite(ContrastiveWeight), ContrastiveWeight, nameof(ContrastiveWeight), "be at least 0 and finite", "Use 0 to leave views out.");
        if (MaskedTokenWeight + ContrastiveWeight == 0)
            throw new ArgumentException("There must be something to learn, but MaskedTokenWeight and ContrastiveWeight are both 0. Raise one.", nameof(MaskedTokenWeight));
        TensorChecks.Probability(MaskFraction, nameof(MaskFraction));
        if (MaskedTokenWeight > 0 && MaskFraction == 0)
            throw new ArgumentException($"MaskFraction must be above 0 where masked tokens are predicted, but is 0 with MaskedTokenWeight {MaskedTokenWeight}. Use 0.15, or set MaskedTokenWeight to 0.", nameof(MaskFraction));
        TensorChecks.InRange(ViewLength, 2, 1 << 24, nameof(ViewLength), "Use about 128.");
        Require(Temperature > 0 && double.IsFinite(Temperature), Temperature, nameof(Temperature), "be above 0 and finite", "Try 0.1.");
    }

    // The rules are written so that NaN breaks them.
    private static void Require(bool holds, double value, string name, string rule, string remedy)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must {rule}, but is {value}. {remedy}");
    }
}
