namespace Maha.Layers.Attention;

/// <summary>The options of hierarchical attention that is causal in every block.</summary>
internal sealed record HsaCausalOptions : HsaOptions
{
    /// <summary>Creates the options with their default values.</summary>
    public HsaCausalOptions()
    {
    }

    /// <summary>Creates the options with the values of others.</summary>
    public HsaCausalOptions(HsaOptions options) : base(options)
    {
    }

    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.HsaCausal;

    /// <inheritdoc/>
    internal override bool IsCausalIn(MahaBlockOptions block) => true;
}
