using System.Globalization;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.TextEncoding;

/// <summary>The description of a saved encoder: everything but its tokenizer and weights.</summary>
internal sealed record EncoderManifest : WindowedManifest
{
    /// <summary>The format version that this library writes, the newest that it reads.</summary>
    public const int CurrentFormat = 2;

    /// <summary>The columns of the transformer.</summary>
    public required EncoderColumns Columns { get; init; }

    /// <summary>The parts of a vector.</summary>
    public required DocumentVectorParts Parts { get; init; }

    /// <summary>Whether vectors are scaled to length 1.</summary>
    public required bool NormalizeLength { get; init; }

    /// <summary>The parts of a document that have vectors, if there is a column for them.</summary>
    public required SegmentKind Segments { get; init; }

    /// <summary>
    /// The number of token ids of the spectral parts' own tokenizer, in the stream SpectralTokenizer; null where they read the ids of the transformer, and
    /// without spectral parts. New in format 2.
    /// </summary>
    public int? SpectralVocabSize { get; init; }

    /// <summary>Builds the network, with random weights.</summary>
    public MahaDocumentEncoder BuildNetwork() => new(Model, Parts, Windows, SpectralVocabSize);

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static EncoderManifest Read(Stream stream) => Read<EncoderManifest>(stream, CurrentFormat, "encoder");

    /// <inheritdoc/>
    public override long MinNumWeights()
    {
        long spectral = (long)Parts.SpectralDim * ((long)(SpectralVocabSize ?? Model.VocabSize) + Parts.NumPairBuckets);
        return base.MinNumWeights() + spectral * (Parts.BeginningTokens > 0 ? 2 : 1);
    }

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        Parts.Validate();
        TensorChecks.Known(Segments, nameof(Segments));
        CheckColumnNames("an encoder", Columns.Input, Columns.Output, Columns.Segments, Columns.SegmentOffsets);
        if (SpectralVocabSize is not null != (Windows is not null && Parts.SpectralDim > 0))
        {
            throw new ArgumentException(
                "An encoder must have SpectralVocabSize if it has Windows and spectral parts, and only then, " +
                $"but SpectralVocabSize is {SpectralVocabSize?.ToString(CultureInfo.InvariantCulture) ?? "missing"}.");
        }
        if (SpectralVocabSize is int vocabSize)
            TensorChecks.InRange(vocabSize, 1, 1 << 24, nameof(SpectralVocabSize), "It is the number of ids of a tokenizer.");
        if (Segments == SegmentKind.Window && Windows is null)
            throw new ArgumentException("An encoder whose segments are windows must have Windows, but has none.");
    }
}

/// <summary>The columns of an encoder.</summary>
/// <param name="Input">The text.</param>
/// <param name="Output">The added vector of the document.</param>
/// <param name="Segments">The added vectors of the document's parts; null if there is no such column.</param>
/// <param name="SegmentOffsets">The added ranges of characters of these parts; null if there is no such column. New in format 2.</param>
internal sealed record EncoderColumns(string Input, string Output, string? Segments, string? SegmentOffsets = null);
