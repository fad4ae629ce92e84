using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B batch, N leaves, C numbers per leaf

/// <summary>
/// The leaves of a batch of nested signals. Leaves can be of several types, such as the tokens of a row's text and the row's numeric columns.
/// </summary>
/// <param name="Types">[B, N] of Int64: the type of each leaf, an index into the types of the <see cref="NestedSignalEmbedding"/>.</param>
/// <param name="TokenIds">[B, N] of Int64, used for leaves that are tokens; null if there are no such types.</param>
/// <param name="Numbers">
/// [B, N, C], used for leaves that are numbers; a type with fewer channels uses the first ones; null if there are no such types.
/// </param>
/// <param name="Positions">[B, N] of Int64: the position of a leaf among those of its type, or a column's index; null if no type has positions.</param>
public sealed record NestedSignal(Tensor Types, Tensor? TokenIds, Tensor? Numbers, Tensor? Positions);
