namespace Maha.Layers.Attention;

/// <summary>Softmax attention between all tokens, which has no options.</summary>
internal sealed record FullOptions : AttentionOptions
{
    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.Full;
}
