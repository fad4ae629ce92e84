using Maha.Layers.Core;

namespace Maha.Layers.Training;

/// <summary>Options of the pretraining of an encoder on documents without labels.</summary>
internal sealed record PretrainingOptions
{
    /// <summary>The weight of the prediction of masked tokens in the loss.</summary>
    /// <value>Default: 1. At least 0 and finite; 0 trains with the contrastive loss alone.</value>
    public double MaskedTokenWeight { get; init; } = 1;

    /// <summary>The weight in the loss of recognizing a document by another part of it.</summary>
    /// <value>Default: 1. At least 0 and finite; 0 trains on masked tokens alone.</value>
    public double ContrastiveWeight { get; init; } = 1;

    /// <summary>The fraction of the tokens of a document that are masked.</summary>
    /// <value>Default: 0.15, as in BERT. In [0, 1).</value>
    public double MaskFraction { get; init; } = 0.15;

    /// <summary>Whether the weights of the token embedding predict masked tokens.</summary>
    /// <value>Default: true; false learns a separate output layer.</value>
    public bool TieEmbedding { get; init; } = true;

    /// <summary>The maximum number of tokens of each of the two views of a document.</summary>
    /// <value>Default: 128. From 2 to 16,777,216.</value>
    public int ViewLength { get; init; } = 128;

    /// <summary>The temperature tau of the contrastive loss. A lower value gives more weight to the most similar documents.</summary>
    /// <value>Default: 0.1. Above 0 and finite.</value>
    public double Temperature { get; init; } = 0.1;

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of range. The message states the rule, the value and the remedy.</exception>
    public void Validate()
    {
        RequireWeight(MaskedTokenWeight, nameof(MaskedTokenWeight), "Use 0 to train without masked tokens.");
        RequireWeight(ContrastiveWeight, nameof(ContrastiveWeight), "Use 0 to train without the contrastive loss.");
        if (MaskedTokenWeight + ContrastiveWeight == 0)
        {
            throw new ArgumentException(
                "MaskedTokenWeight or ContrastiveWeight must be above 0, but both are 0. Raise one of them.", nameof(MaskedTokenWeight));
        }
        TensorChecks.Probability(MaskFraction, nameof(MaskFraction));
        if (MaskedTokenWeight > 0 && MaskFraction == 0)
        {
            throw new ArgumentException(
                $"MaskFraction must be above 0 where masked tokens are predicted, but is 0 with MaskedTokenWeight {MaskedTokenWeight}. " +
                "Use 0.15, or set MaskedTokenWeight to 0.", nameof(MaskFraction));
        }
        TensorChecks.InRange(ViewLength, 2, 1 << 24, nameof(ViewLength), "Use about 128.");
        TensorChecks.Require(Temperature > 0 && double.IsFinite(Temperature), Temperature, nameof(Temperature), "be above 0 and finite", "Try 0.1.");
    }

    private static void RequireWeight(double value, string name, string remedy)
        => TensorChecks.Require(value >= 0 && double.IsFinite(value), value, name, "be at least 0 and finite", remedy);
}
