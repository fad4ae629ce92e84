using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, D width, S scales, r compression ratio, w window

/// <summary>What a causal multiscale layer remembers.</summary>
/// <remarks>
/// The last tokens under the local convolution; of every scale the open cells of features and values, the keys and values of at most 2w coarse tokens, and the output of
/// the last complete coarse token. Memory O(S * (w + r) * D), whatever the length.
/// </remarks>
internal sealed class MahaDecoderState(int numScales, int window) : DecoderState
{
    /// <summary>The last inputs of the local convolution, [B, its reach, D].</summary>
    public Tensor? Inputs { get; private set; }

    /// <summary>The scales, the finest first.</summary>
    public IReadOnlyList<DecodedScale> Scales { get; } = [.. Enumerable.Range(0, numScales).Select(_ => new DecodedScale(window))];

    /// <inheritdoc/>
    public override long CacheBytes => BytesOf(Inputs) + Scales.Sum(scale => scale.Bytes);

    /// <summary>Keeps the last inputs.</summary>
    public void Keep(Tensor inputs)
    {
        var kept = inputs.clone().DetachFromDisposeScope();
        Inputs?.Dispose();
        Inputs = kept;
    }

    /// <inheritdoc/>
    private protected override void Free()
    {
        Inputs?.Dispose();
        foreach (var scale in Scales)
            scale.Free();
    }
}

/// <summary>One scale of a sequence that is being decoded.</summary>
internal sealed class DecodedScale(int window)
{
    /// <summary>What the coarse features come from; unused at the finest scale.</summary>
    public ReductionTail Features { get; } = new();

    /// <summary>What the coarse values come from; unused at the finest scale.</summary>
    public ReductionTail Values { get; } = new();

    /// <summary>The keys and values in view.</summary>
    public BlockWindowCache Window { get; } = new(window);

    /// <summary>The output of the last complete token of the scale, [B, 1, D]; null before the first.</summary>
    public Tensor? LastOutput { get; private set; }

    /// <summary>The size in bytes.</summary>
    public long Bytes => Features.Bytes + Values.Bytes + Window.Bytes + (LastOutput is null ? 0 : LastOutput.numel() * LastOutput.ElementSize);

    /// <summary>Keeps the last of some outputs [B, N', D].</summary>
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
