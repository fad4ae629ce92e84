namespace Maha.Onnx;

/// <summary>The options of an export to ONNX.</summary>
public sealed record OnnxExportOptions
{
    /// <summary>The largest difference between ONNX Runtime and the model that an export accepts: of a probability, or of a number of a vector.</summary>
    /// <value>1e-4. Above 0, at most 1. Differences of vectors are relative to their largest number if that is above 1.</value>
    public double Tolerance { get; init; } = 1e-4;

    /// <summary>
    /// Whether the n-grams of a classifier are exported too. The graph then has two more inputs, <c>ngram_logits</c> and <c>copy_counts</c>, which
    /// <see cref="OnnxTextReader"/> computes from a text.
    /// </summary>
    /// <value>
    /// False: the graph computes the network alone, and the report says how far that is from the model. A classifier whose network has no weight must be
    /// exported with its n-grams.
    /// </value>
    public bool IncludeNGrams { get; init; }

    internal void Validate()
    {
        if (!(Tolerance > 0 && Tolerance <= 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(Tolerance), Tolerance, $"Tolerance must lie in (0, 1], but is {Tolerance}. Use about 1e-4: the two runtimes round sums differently.");
        }
    }
}
