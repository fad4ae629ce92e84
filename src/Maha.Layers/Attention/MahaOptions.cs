using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The options of multiscale attention at linear cost.</summary>
public sealed record MahaOptions : MultiscaleOptions
{
    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.Maha;

    /// <summary>w, the number of tokens of a block of a scale; a token attends to its own block and to both neighboring blocks.</summary>
    /// <value>128. From 1 to 1,048,576.</value>
    [OptionRange(1, WindowOptions.MaxWindow, WindowOptions.WindowRemedy)]
    public int Window { get; init; } = WindowOptions.DefaultWindow;

    /// <summary>
    /// Whether the attention reads the tokens themselves beside what the local convolution makes of them: c = x + Dropout(ReLU(convolution of x)). Without it,
    /// as in the paper, c = Dropout(ReLU(convolution of x)), which hides half of each token, so that relations of single tokens are learned late or not at all.
    /// </summary>
    /// <value>False.</value>
    public bool LocalResidual { get; init; }

    /// <inheritdoc/>
    internal override int CountScales(int maxSequenceLength) =>
        NumScales ?? ScaleCount.Needed(maxSequenceLength, Math.Max(2, CompressionRatio), Math.Max(1, Window));
}
