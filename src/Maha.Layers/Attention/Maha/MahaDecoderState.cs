using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, D width, S scales, r compression ratio, w window

/// <summary>The cache of a causal multiscale layer.</summary>
/// <remarks>
/// It holds the last tokens under the local convolution and, for every scale, the open cells of features and values, the keys and values of at most 2w coarse
/// tokens, and the output of the last complete coarse token. Memory O(S * (w + r) * D), whatever the length.
/// </remarks>
internal sealed class MahaDecoderState(int numScales, int window) : DecoderState
{
    /// <summary>The last inputs of the local convolution, [B, tokens under its kernel, D].</summary>
    public Tensor? Inputs { get; private set; }

    /// <summary>The caches of the scales, the finest first.</summary>
    public IReadOnlyList<ScaleCache> Scales { get; } = [.. Enumerable.Range(0, numScales).Select(_ => new ScaleCache(window))];

    /// <inheritdoc/>
    public override long CacheBytes => BytesOf(Inputs) + Scales.Sum(scale => scale.Bytes);

    /// <summary>Keeps a copy of the last inputs.</summary>
    public void Keep(Tensor inputs)
    {
        var kept = inputs.clone().DetachFromDisposeScope();
        Inputs?.Dispose();
        Inputs = kept;
    }

    /// <inheritdoc/>
    protected override void Free()
    {
        Inputs?.Dispose();
        foreach (var scale in Scales)
            scale.Free();
    }
}

/// <summary>The cache of one scale.</summary>
internal sealed class ScaleCache(int window)
{
    /// <summary>The finer tokens from which the next coarse features are computed; unused at the finest scale.</summary>
    public ReductionTail Features { get; } = new();

    /// <summary>The finer tokens from which the next coarse values are computed; unused at the finest scale.</summary>
    public ReductionTail Values { get; } = new();

    /// <summary>The keys and values that the next queries can see.</summary>
    public BlockWindowCache Window { get; } = new(window);

    /// <summary>The output of the last complete token of the scale, [B, 1, D]; null before the first.</summary>
    public Tensor? LastOutput { get; private set; }

    /// <summary>The size of the cache in bytes.</summary>
    public long Bytes => Features.Bytes + Values.Bytes + Window.Bytes + (LastOutput is null ? 0 : LastOutput.numel() * LastOutput.ElementSize);

    /// <summary>Keeps a copy of the last of the outputs [B, N', D].</summary>
    public void KeepLast(Tensor outputs)
    {
        using var scope = NewDisposeScope();
        var kept = outputs.narrow(1, outputs.shape[1] - 1, 1).clone().DetachFromDisposeScope();
        LastOutput?.Dispose();
        LastOutput = kept;
    }

    /// <summary>Frees the tensors.</summary>
    public void Free()
    {
        Features.Free();
        Values.Free();
        Window.Free();
        LastOutput?.Dispose();
    }
}
