using Maha.Layers.Models;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.TextEncoding;

/// <summary>What a saved encoder needs besides its tokenizer and weights.</summary>
internal sealed record EncoderManifest : ModelManifest
{
    /// <summary>The newest form of the file that this library writes and reads.</summary>
    public const int CurrentFormat = 1;

    /// <summary>The columns of the transformer.</summary>
    public required EncoderColumns Columns { get; init; }

    /// <summary>What the vector consists of.</summary>
    public required DocumentVectorParts Parts { get; init; }

    /// <summary>Whether vectors are scaled to the length 1.</summary>
    public required bool NormalizeLength { get; init; }

    /// <summary>The parts of a document that get vectors, where there is a column for them.</summary>
    public required SegmentKind Segments { get; init; }

    /// <summary>Reads and checks a manifest.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static EncoderManifest Read(Stream stream) => Read<EncoderManifest>(stream, CurrentFormat, "encoder");

    /// <inheritdoc/>
    public override long LeastWeights()
    {
        long spectral = (long)Parts.SpectralDim * ((long)Model.VocabSize + Parts.NumPairBuckets);
        return base.LeastWeights() + spectral * (Parts.BeginningTokens > 0 ? 2 : 1);
    }

    /// <inheritdoc/>
    protected override void Validate()
    {
        base.Validate();
        Parts.Validate();
        if (!Enum.IsDefined(Segments))
            throw new ArgumentException($"Segments must be one of {string.Join(", ", Enum.GetNames<SegmentKind>())}, but is {Segments}.");
        if (Columns.Input.Length == 0 || Columns.Output.Length == 0 || Columns.Segments?.Length == 0)
            throw new ArgumentException("The columns of an encoder must have names, but one is empty.");
    }
}

/// <summary>The columns of an encoder.</summary>
/// <param name="Input">The text that is read.</param>
/// <param name="Output">The document's vector that is written.</param>
/// <param name="Segments">The vectors of the document's parts that are written; null for none.</param>
internal sealed record EncoderColumns(string Input, string Output, string? Segments);
