using Maha.Layers.Hierarchies;
using Maha.Layers.Models;
using Maha.MLNet.Internal;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.TextEncoding;

/// <summary>A trained encoder of documents: tokenizer and network.</summary>
internal sealed class TextEncoder(TextModelParts<EncoderManifest, MahaDocumentEncoder> parts, Device device)
    : TextModel<EncoderManifest, MahaDocumentEncoder>(Format, parts, device)
{
    /// <summary>How the file of an encoder is known.</summary>
    public static readonly ModelFormat Format = new("encoder", "Encoder.json", "MAHATXTE", MahaTextEncodingTransformer.LoaderSignature);

    /// <summary>E, the width of a vector.</summary>
    public int OutputDim { get; } = parts.Network.OutputDim;

    /// <summary>Reads an encoder back from the streams of a model file.</summary>
    /// <exception cref="InvalidDataException">The file is newer than this library, or damaged.</exception>
    public static TextEncoder Load(IHostEnvironment environment, ModelLoadContext context)
        => new(Load(context, Format, EncoderManifest.Read, manifest => new MahaDocumentEncoder(manifest.Model, manifest.Parts)), Devices.Choose(environment));

    /// <summary>The vector of one document, [E].</summary>
    /// <param name="text">Any text; all texts without tokens have the same vector.</param>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public float[] Vector(ReadOnlySpan<char> text)
    {
        using var use = new Use(this);
        var ids = Encode(text);
        using var scope = NewDisposeScope();
        using var mode = no_grad();
        var (tokenIds, padding) = ToTensors(ids.Span);
        float[] vector = Network.call(tokenIds, padding).select(0, 0).to(ScalarType.Float32).cpu().data<float>().ToArray();
        if (Manifest.NormalizeLength)
            Normalize(vector);
        return vector;
    }

    /// <summary>The vectors of a document's parts one after the other, [parts * E]; each is the vector of the part as a document of its own.</summary>
    public float[] SegmentVectors(ReadOnlyMemory<char> text)
    {
        var vectors = new List<float>();
        foreach (var segment in SegmentsOf(text))
            vectors.AddRange(Vector(segment.Span));
        return [.. vectors];
    }

    /// <summary>The parts of a text, without white space around them; none where there is nothing else.</summary>
    internal List<ReadOnlyMemory<char>> SegmentsOf(ReadOnlyMemory<char> text)
    {
        var segments = new List<ReadOnlyMemory<char>>();
        int start = 0;
        foreach (var boundary in TextBoundaries.Find(text.Span))
        {
            if (!boundary.BeginsParagraph && Manifest.Segments == SegmentKind.Paragraph)
                continue;
            Add(text[start..boundary.Start]);
            start = boundary.Start;
        }
        Add(text[start..]);
        return segments;

        void Add(ReadOnlyMemory<char> segment)
        {
            segment = segment.Trim();
            if (!segment.IsEmpty)
                segments.Add(segment);
        }
    }

    private static void Normalize(float[] vector)
    {
        double squares = 0;
        foreach (float value in vector)
            squares += (double)value * value;
        // A vector of zeros has no direction, and stays.
        float factor = squares > 0 ? (float)(1 / Math.Sqrt(squares)) : 1;
        for (int i = 0; i < vector.Length; i++)
            vector[i] *= factor;
    }
}
