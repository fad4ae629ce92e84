namespace Maha.MLNet.Explanation;

/// <summary>The attention of one layer of a network over one text.</summary>
/// <param name="Name">The layer, in words.</param>
/// <param name="ScaleWeights">The mean weight of each scale, the finest first; null if the layer has no scales.</param>
/// <param name="Attention">
/// The attention that each part of the text receives from all tokens, as a multiple of the mean (<see cref="TextSpan.Contribution"/>), in the order of the
/// text; empty if the layer has no weights to show.
/// </param>
internal sealed record LayerInspection(string Name, IReadOnlyList<double>? ScaleWeights, IReadOnlyList<TextSpan> Attention);
