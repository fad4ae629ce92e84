using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

/// <summary>Documents to measure layers on.</summary>
/// <param name="TokenIds">[B, N] of Int64.</param>
/// <param name="Context">Padding, and the documents' trees where they are brought along.</param>
public sealed record SampleBatch(Tensor TokenIds, MixingContext Context);
