using Maha.Layers.Models;

namespace Maha.MLNet.ModelFiles;

/// <summary>The description of a saved model whose documents a pretrained encoder may read in windows.</summary>
internal abstract record WindowedManifest : ModelManifest
{
    /// <summary>
    /// The windows in which a pretrained encoder reads documents; null for a network that reads them whole. New in format 4 of classifiers and in format 2 of
    /// encoders.
    /// </summary>
    public WindowedEncoderOptions? Windows { get; init; }

    /// <inheritdoc/>
    public override int MaxDocumentTokens => Windows?.MaxDocumentTokens ?? base.MaxDocumentTokens;

    /// <inheritdoc/>
    public override bool UsesWordPiece => Windows is not null;

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        Windows?.Validate(Model);
    }
}
