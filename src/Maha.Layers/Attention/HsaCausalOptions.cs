namespace Maha.Layers.Attention;

/// <summary>The options of hierarchical attention that is causal in every block.</summary>
internal sealed record HsaCausalOptions : HsaOptions
{
    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.HsaCausal;

    /// <inheritdoc/>
    internal override bool IsCausalIn(MahaBlockOptions block) => true;
}
