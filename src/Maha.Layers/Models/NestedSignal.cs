using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N leaves, C numbers of a leaf

/// <summary>The leaves of a batch of nested signals, of several types side by side: the tokens of a row's text, and the row's numeric columns as further leaves.</summary>
/// <param name="Types">[B, N] of Int64: which type a leaf is, in the order that <see cref="NestedSignalEmbedding"/> was given them.</param>
/// <param name="TokenIds">[B, N] of Int64, looked at where a leaf is a token; null where no type is.</param>
/// <param name="Numbers">[B, N, C], looked at where a leaf is numbers; a type of fewer channels uses the first; null where no type is.</param>
/// <param name="Positions">[B, N] of Int64, a leaf's position among those of its type, or a column's number; null where no type has positions.</param>
public sealed record NestedSignal(Tensor Types, Tensor? TokenIds, Tensor? Numbers, Tensor? Positions);
