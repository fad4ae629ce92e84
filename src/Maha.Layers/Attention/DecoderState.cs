using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>What a causal layer, or a whole causal model, remembers of the tokens so far, so that the next tokens cost no more than themselves.</summary>
/// <remarks>
/// Made by a layer's or a model's <c>StartDecoding</c>, taken further by its <c>Decode</c>, freed by <see cref="Dispose"/>. A state belongs to the sequences that it was
/// begun with: as many of them at every call, of one type on one device. Not for use by several threads at a time.
/// </remarks>
public abstract class DecoderState : IDisposable
{
    private protected DecoderState()
    {
    }

    /// <summary>The number of tokens taken up.</summary>
    public long Position { get; private protected set; }

    /// <summary>The size of the cache in bytes, all sequences and heads together.</summary>
    public abstract long CacheBytes { get; }

    /// <summary>Whether the cache has been freed.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Frees the cache.</summary>
    public void Dispose()
    {
        if (IsDisposed)
            return;
        IsDisposed = true;
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what the kind of state holds; called once.</summary>
    private protected abstract void Free();

    /// <summary>Counts tokens that have been taken up.</summary>
    internal void Advance(long tokens) => Position += tokens;

    /// <summary>A state as the kind that a layer makes, live.</summary>
    /// <exception cref="ArgumentException">Another layer or model made it.</exception>
    internal static T Of<T>(DecoderState state, string paramName) where T : DecoderState
    {
        ArgumentNullException.ThrowIfNull(state, paramName);
        if (state is not T own)
            throw new ArgumentException($"{paramName} must come from StartDecoding of the same layer, but is a {state.GetType().Name} where a {typeof(T).Name} is needed. Start a new state.", paramName);
        ObjectDisposedException.ThrowIf(own.IsDisposed, own);
        return own;
    }

    /// <summary>Checks that new rows belong to the sequences of a cache.</summary>
    internal static void SameSequences(Tensor cache, Tensor rows)
    {
        if (cache.shape[0] != rows.shape[0] || cache.shape[^1] != rows.shape[^1] || cache.dtype != rows.dtype || cache.device_type != rows.device_type || cache.device_index != rows.device_index)
            throw new ArgumentException($"The state was made by other sequences: {TensorChecks.Show(cache.shape)} of {cache.dtype} on {cache.device} is kept, but {TensorChecks.Show(rows.shape)} of {rows.dtype} on {rows.device} was given. Start a new state.");
    }

    /// <summary>The bytes of a tensor that may not be there yet.</summary>
    private protected static long BytesOf(Tensor? cache) => cache is null ? 0 : cache.numel() * cache.ElementSize;
}
