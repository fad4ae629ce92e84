using Maha.Layers.Models;
using Maha.Layers.Trees;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.TextEncoding;

/// <summary>A trained document encoder: tokenizer and network.</summary>
internal sealed class TextEncoder(TextModelParts<EncoderManifest, MahaDocumentEncoder> parts, Device device)
    : TextModel<EncoderManifest, MahaDocumentEncoder>(Format, parts, device)
{
    /// <summary>The file signature of encoders.</summary>
    public static readonly ModelFormat Format = new("encoder", "Encoder.json", "MAHATXTE", MahaTextEncodingTransformer.LoaderSignature);

    /// <summary>E, the width of a vector.</summary>
    public int OutputDim { get; } = parts.Network.OutputDim;

    /// <summary>Reads an encoder from the streams of a model file.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static TextEncoder Load(IHostEnvironment environment, ModelLoadContext context)
    {
        var parts = Load(context, Format, EncoderManifest.Read, manifest => new MahaDocumentEncoder(manifest.Model, manifest.Parts));
        return new(parts, Devices.Choose(environment));
    }

    /// <summary>Computes the vectors of documents, [E] each.</summary>
    /// <param name="texts">Any texts. Those without tokens all have the same vector.</param>
    /// <exception cref="ObjectDisposedException">The encoder was disposed.</exception>
    public float[][] Vectors(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        using var use = new Use(this);
        float[][] vectors = Predict(Encode(texts), Network.call);
        if (Manifest.NormalizeLength)
        {
            foreach (float[] vector in vectors)
                Normalize(vector);
        }

        return vectors;
    }

    /// <summary>Computes the vectors of each document's parts, [parts * E]. The vector of a part is that of a document with the same text.</summary>
    public float[][] SegmentVectors(IReadOnlyList<ReadOnlyMemory<char>> texts)
    {
        List<ReadOnlyMemory<char>>[] segments = [.. texts.Select(SegmentsOf)];
        float[][] vectors = Vectors([.. segments.SelectMany(parts => parts)]);
        int done = 0;
        return [.. segments.Select(parts => vectors[done..(done += parts.Count)].SelectMany(vector => vector).ToArray())];
    }

    /// <summary>Splits a text into its parts, without white space at their ends. A text of white space has no parts.</summary>
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
        // A vector of zeros has no direction and stays as it is.
        float factor = squares > 0 ? (float)(1 / Math.Sqrt(squares)) : 1;
        for (int i = 0; i < vector.Length; i++)
            vector[i] *= factor;
    }
}
