using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

/// <summary>A batch of documents on which layers are measured.</summary>
/// <param name="TokenIds">[B, N] of Int64.</param>
/// <param name="Context">The padding mask, and the documents' trees unless the model builds them.</param>
public sealed record SampleBatch(Tensor TokenIds, MixingContext Context);
