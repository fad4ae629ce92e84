using Maha.Layers.Core;

namespace Maha.MLNet.Explanation;

/// <summary>The options of an explanation.</summary>
public sealed class ExplanationOptions
{
    /// <summary>
    /// The most windows of a text that the network is asked about. Each costs a prediction of the network, of which a pretrained reader computes only the
    /// window of the encoder that is changed. More windows are shorter, and show more precisely what the network reads.
    /// </summary>
    /// <value>32. From 0, which explains the n-grams alone and takes milliseconds, to 65,536.</value>
    public int MaxWindows { get; set; } = 32;

    /// <summary>
    /// The fewest tokens of a window. A text of at most MinTokensPerWindow times <see cref="MaxWindows"/> tokens has windows of about this length, a longer one
    /// has <see cref="MaxWindows"/> windows.
    /// </summary>
    /// <value>16. From 1 to 1,048,576.</value>
    public int MinTokensPerWindow { get; set; } = 16;

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    internal void Check()
    {
        TensorChecks.InRange(MaxWindows, 0, 1 << 16, nameof(MaxWindows), "Use 0 to explain the n-grams alone.");
        TensorChecks.InRange(MinTokensPerWindow, 1, 1 << 20, nameof(MinTokensPerWindow), "Use 1 for windows of single words.");
    }
}
