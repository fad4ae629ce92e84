using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The cache of a causal layer or model, by which the next tokens are computed without computing the earlier ones again.</summary>
/// <remarks>
/// <c>StartDecoding</c> of a layer or model creates it, <c>Decode</c> extends it and <see cref="Dispose"/> frees it. A state belongs to the sequences that it
/// was started with: every call needs the same number of sequences, the same type and the same device. A state is not thread-safe.
/// </remarks>
internal abstract class DecoderState : IDisposable
{
    protected DecoderState()
    {
    }

    /// <summary>The number of tokens consumed.</summary>
    public long Position { get; protected set; }

    /// <summary>The size of the cache in bytes, for all sequences and heads.</summary>
    public abstract long CacheBytes { get; }

    /// <summary>Whether the cache has been freed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Frees the cache.</summary>
    public void Dispose()
    {
        if (IsDisposed)
            return;
        IsDisposed = true;
        Free();
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the tensors of the cache; called once.</summary>
    protected abstract void Free();

    /// <summary>Advances the position by the number of consumed tokens.</summary>
    public void Advance(long tokens) => Position += tokens;

    /// <summary>Casts a state to the type that a layer creates, and checks that it is not disposed.</summary>
    /// <exception cref="ArgumentException">The state comes from another layer or model.</exception>
    public static T Cast<T>(DecoderState state, string paramName) where T : DecoderState
    {
        ArgumentNullException.ThrowIfNull(state, paramName);
        if (state is not T own)
        {
            throw new ArgumentException(
                $"{paramName} must come from StartDecoding of the same layer, but is a {state.GetType().Name} where a {typeof(T).Name} is needed. "
                + "Start a new state.",
                paramName);
        }
        ObjectDisposedException.ThrowIf(own.IsDisposed, own);
        return own;
    }

    /// <summary>Checks that new rows belong to the sequences of a cache.</summary>
    public static void SameSequences(Tensor cache, Tensor rows)
    {
        bool sameShape = cache.shape[0] == rows.shape[0] && cache.shape[^1] == rows.shape[^1];
        if (!sameShape || cache.dtype != rows.dtype || cache.device_type != rows.device_type || cache.device_index != rows.device_index)
        {
            throw new ArgumentException(
                $"The state belongs to other sequences: it holds {TensorChecks.Show(cache.shape)} of {cache.dtype} on {cache.device}, "
                + $"but {TensorChecks.Show(rows.shape)} of {rows.dtype} on {rows.device} was given. Start a new state.");
        }
    }

    /// <summary>The size of a tensor in bytes; 0 for null.</summary>
    protected static long BytesOf(Tensor? cache) => cache is null ? 0 : cache.numel() * cache.ElementSize;
}
