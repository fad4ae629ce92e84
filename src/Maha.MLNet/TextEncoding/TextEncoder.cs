using Maha.Layers.Models;
using Maha.Layers.Swap;
using Maha.Layers.Text;
using Maha.Layers.Trees;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.TextEncoding;

// E width of a vector

/// <summary>A trained document encoder: tokenizers and network.</summary>
/// <remarks>*** Format *** That of TextModel. If the spectral parts have their own vocabulary, there is also the stream SpectralTokenizer.</remarks>
internal sealed partial class TextEncoder : TextModel<EncoderManifest, MahaDocumentEncoder>
{
    /// <summary>The file signature of encoders.</summary>
    public static readonly ModelFormat Format = new("encoder", "Encoder.json", "MAHATXTE", MahaTextEncodingTransformer.LoaderSignature);

    private readonly ByteLevelBpeTokenizer? _spectralTokenizer;

    /// <summary>Takes ownership of a network.</summary>
    /// <param name="parts">Manifest, tokenizer and network.</param>
    /// <param name="spectralTokenizer">The tokenizer of the spectral parts; null where they read the ids of the transformer.</param>
    /// <param name="device">The device of predictions.</param>
    public TextEncoder(TextModelParts<EncoderManifest, MahaDocumentEncoder> parts, ByteLevelBpeTokenizer? spectralTokenizer, Device device)
        : base(Format, parts, device)
    {
        OutputDim = parts.Network.OutputDim;
        _spectralTokenizer = spectralTokenizer;
    }

    /// <summary>E, the width of a vector.</summary>
    public int OutputDim { get; }

    /// <summary>The tokenizer of the spectral parts; null where they read the ids of the transformer.</summary>
    public ByteLevelBpeTokenizer? SpectralTokenizer => _spectralTokenizer;

    /// <summary>Reads an encoder from the streams of a model file.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static TextEncoder Load(IHostEnvironment environment, ModelLoadContext context)
    {
        ByteLevelBpeTokenizer? spectralTokenizer = null;
        var parts = Load(
            context, Format, EncoderManifest.Read, manifest => manifest.BuildNetwork(),
            manifest => manifest.SpectralVocabSize is null
                ? []
                : [(ModelFormat.SpectralTokenizerStream, stream => spectralTokenizer = ReadTokenizer(stream, manifest))]);
        return new(parts, spectralTokenizer, Devices.Choose(environment));
    }

    /// <summary>Returns a copy with hierarchical attention in some layers. The spectral parts, center and scale stay as they are.</summary>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the encoder.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public TextEncoder SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(SwapLayers(layers, options, manifest => manifest.BuildNetwork()), _spectralTokenizer, Device);

    /// <summary>Orders the layers by how little their swap changes the direction of the encoder's part of the vectors of some texts.</summary>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the encoder.</exception>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public IReadOnlyList<int> RankLayers(IEnumerable<string> texts, HsaConversionOptions options) => RankLayers(
        texts, options, manifest => manifest.BuildNetwork(), (samples, swap) => new SwapSubject<MahaDocumentEncoder>
        {
            Samples = samples,
            Swap = swap,
            Encoder = network => network.Encoder,
            Outputs = (network, tokenIds, context) => network.Contextual(tokenIds, context.KeyPaddingMask),
            EncoderInput = (network, tokenIds, context) => network.Reader?.WindowsOf(tokenIds, context.KeyPaddingMask) ?? (tokenIds, context),
            Distance = SwapDistance.OfVectors,
        });

    /// <summary>Computes the vectors of documents, [E] each.</summary>
    /// <param name="texts">Any texts. Those without tokens all have the same vector.</param>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public float[][] Vectors(IReadOnlyList<ReadOnlyMemory<char>> texts) => Vectors(texts, out _);

    /// <summary>Computes the vectors of documents, and counts the token ids that the encoder reads of each, special tokens included.</summary>
    /// <inheritdoc cref="Vectors(IReadOnlyList{ReadOnlyMemory{char}})"/>
    public float[][] Vectors(IReadOnlyList<ReadOnlyMemory<char>> texts, out int[] numTokens)
    {
        using var use = new Use(this);
        var documents = EncodeDocuments(texts);
        numTokens = [.. Enumerable.Range(0, documents.Count).Select(documents.LengthOf)];
        if (Windows is not null)
            return [.. ReadWindows(texts, documents, withWindows: false).Select(document => document.Document)];
        float[][] vectors = Predict(documents, Network.call);
        NormalizeAll(vectors);
        return vectors;
    }

    /// <summary>Computes the vectors of each document's segments, [segments * E]. The vector of a segment is that of a document with the same text.</summary>
    public float[][] SegmentVectors(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        List<ReadOnlyMemory<char>>[] segments = [.. texts.Select(text => SegmentsOf(text).ConvertAll(range => text[range]))];
        float[][] vectors = Vectors([.. segments.SelectMany(parts => parts)]);
        int done = 0;
        return [.. segments.Select(parts => vectors[done..(done += parts.Count)].SelectMany(vector => vector).ToArray())];
    }

    /// <summary>Returns the range of characters of each segment of a document: its start, and its end, which is after its last character.</summary>
    public int[][] SegmentOffsets(IReadOnlyList<ReadOnlyMemory<char>> texts) => [.. texts.Select(text => ToOffsets(SegmentsOf(text), text.Length))];

    /// <summary>Finds the segments of a text, without white space at their ends. A text of white space has none.</summary>
    internal List<Range> SegmentsOf(ReadOnlyMemory<char> text)
    {
        var segments = new List<Range>();
        int start = 0;
        foreach (var boundary in TextBoundaries.Find(text.Span))
        {
            if (!boundary.BeginsParagraph && Manifest.Segments == SegmentKind.Paragraph)
                continue;
            Add(start, boundary.Start);
            start = boundary.Start;
        }
        Add(start, text.Length);
        return segments;

        void Add(int begin, int end)
        {
            var segment = text.Span[begin..end];
            begin += segment.Length - segment.TrimStart().Length;
            int length = segment.Trim().Length;
            if (length > 0)
                segments.Add(begin..(begin + length));
        }
    }

    /// <inheritdoc/>
    protected override IEnumerable<(string Name, Action<Stream> Write)> ExtraStreams() =>
        _spectralTokenizer is null ? [] : [(ModelFormat.SpectralTokenizerStream, _spectralTokenizer.Save)];

    /// <inheritdoc/>
    protected override IEnumerable<(string Metadata, ITextTokenizer Tokenizer)> ExtraTokenizers() =>
        _spectralTokenizer is null ? [] : [(ModelFormat.SpectralTokenizerMetadata, _spectralTokenizer)];

    private static int[] ToOffsets(IEnumerable<Range> ranges, int length) =>
        [.. ranges.SelectMany(range => new[] { range.Start.GetOffset(length), range.End.GetOffset(length) })];

    private void NormalizeAll(float[][] vectors)
    {
        if (!Manifest.NormalizeLength)
            return;
        foreach (float[] vector in vectors)
        {
            double squares = vector.Sum(value => (double)value * value);
            // A vector of zeros has no direction and stays as it is.
            float factor = squares > 0 ? (float)(1 / Math.Sqrt(squares)) : 1;
            for (int i = 0; i < vector.Length; i++)
                vector[i] *= factor;
        }
    }

    private static ByteLevelBpeTokenizer ReadTokenizer(Stream stream, EncoderManifest manifest)
    {
        var tokenizer = ByteLevelBpeTokenizer.Load(stream);
        return tokenizer.VocabSize == manifest.SpectralVocabSize
            ? tokenizer
            : throw MahaModelFileException.Damaged(
                $"The spectral parts and their tokenizer must have one vocabulary, but they have {manifest.SpectralVocabSize} and {tokenizer.VocabSize} ids.");
    }
}
