using static TorchSharp.torch;

namespace Maha.Layers.Core;

/// <summary>
/// What this thread knows of the token ids and the mask that it passes to a model, so that the model need not read them from the device, which waits for all work
/// queued there.
/// </summary>
/// <remarks>Only for tensors that nothing changes in place.</remarks>
internal sealed class KnownTokens : IDisposable
{
    [ThreadStatic]
    private static KnownTokens? s_current;

    private readonly KnownTokens? _outer;
    private readonly Tensor _ids;
    private readonly Tensor? _mask;
    private readonly (long Low, long High) _range;
    private readonly int[]? _lengths;
    private readonly long[]? _hostIds;

    /// <summary>States what is known until the object is disposed, on the same thread.</summary>
    /// <param name="ids">The token ids [B, N].</param>
    /// <param name="range">The lowest and the highest id, or bounds of them.</param>
    /// <param name="mask">The padding mask [B, N]; null for none.</param>
    /// <param name="lengths">The number of valid tokens of every document, before which nothing is padding and after which everything is; null if unknown.</param>
    /// <param name="hostIds">The elements of the token ids; null if unknown.</param>
    public KnownTokens(Tensor ids, (long Low, long High) range, Tensor? mask = null, int[]? lengths = null, long[]? hostIds = null)
    {
        (_ids, _range, _mask, _lengths, _hostIds) = (ids, range, mask, lengths, hostIds);
        _outer = s_current;
        s_current = this;
    }

    /// <summary>Returns the elements of a tensor of token ids, which are not to be changed; null where they are not known.</summary>
    public static long[]? HostIdsOf(Tensor ids) => s_current is { } known && ReferenceEquals(known._ids, ids) ? known._hostIds : null;

    /// <summary>Returns the lowest and the highest id of a tensor; null where they are not known.</summary>
    public static (long Low, long High)? RangeOf(Tensor ids) => s_current is { } known && ReferenceEquals(known._ids, ids) ? known._range : null;

    /// <summary>Returns the numbers of valid tokens that a mask states; null where they are not known.</summary>
    public static int[]? LengthsOf(Tensor mask) => s_current is { } known && ReferenceEquals(known._mask, mask) ? known._lengths : null;

    /// <inheritdoc/>
    public void Dispose() => s_current = _outer;
}
