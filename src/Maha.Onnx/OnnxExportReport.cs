using System.Globalization;

namespace Maha.Onnx;

/// <summary>The result of an export to ONNX: what was checked, and what is left out.</summary>
public sealed record OnnxExportReport
{
    internal OnnxExportReport()
    {
    }

    /// <summary>The folder of the files.</summary>
    public required string Folder { get; init; }

    /// <summary>The number of texts that ONNX Runtime and the model were compared on.</summary>
    public required int NumTexts { get; init; }

    /// <summary>The largest difference between ONNX Runtime and the exported part of the model.</summary>
    public required double LargestDifference { get; init; }

    /// <summary>The index of the text with the largest difference.</summary>
    public required int WorstText { get; init; }

    /// <summary>The effect of leaving out the n-grams; null if nothing is left out.</summary>
    public OmittedNGrams? OmittedNGrams { get; init; }

    /// <summary>Returns the report as sentences.</summary>
    public override string ToString()
    {
        string check = string.Create(
            CultureInfo.InvariantCulture,
            $"ONNX Runtime equals the model on {NumTexts} texts: the largest difference is {LargestDifference:G2} (text {WorstText}).");
        return OmittedNGrams is null ? check : $"{check} {OmittedNGrams}";
    }
}

/// <summary>The difference between a classifier and its network alone, on the texts of the check.</summary>
/// <param name="MeanDifference">The mean, over the texts, of the largest difference of a probability.</param>
/// <param name="LargestDifference">The largest difference of a probability.</param>
/// <param name="SameLabels">The share of the texts for which both predict the same label, from 0 to 1.</param>
public sealed record OmittedNGrams(double MeanDifference, double LargestDifference, double SameLabels)
{
    /// <summary>Returns the difference as sentences.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"The n-grams of the classifier are left out: a probability of the network alone differs by {MeanDifference:F3} on average and " +
        $"{LargestDifference:F3} at most, and the predicted label is the same for {100 * SameLabels:F1}% of the texts. Set IncludeNGrams to export them.");
}
