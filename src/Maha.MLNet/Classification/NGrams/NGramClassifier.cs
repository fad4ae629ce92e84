using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Maha.MLNet.Classification.NGrams;

// V n-grams, C classes

/// <summary>A stack of linear models over n-grams: scores of the document, of its segments and of its two ends, and a softmax regression over them. Safe to use from many threads.</summary>
internal sealed class NGramClassifier(NGramVocabulary vocabulary, LinearParts parts, StackingModel stacking)
{
    private const int MaxVocabulary = 1 << 24;

    /// <summary>V.</summary>
    public int NumFeatures => vocabulary.Count;

    /// <summary>The logits of a text, [C].</summary>
    public double[] Logits(ReadOnlySpan<char> text)
        => stacking.Logits(StackedFeatures.Of(vocabulary, vocabulary.Index(NGramText.Read(text)), parts));

    // *** Format *** little-endian: Int32 V, Int32 C, then without gaps UInt64 hashes [V], Single idf [V]; for documents, segments, beginnings and endings
    // Single biases [C], Half weights [V, C]; Double means [F], scales [F] and parameters of the stack.

    /// <summary>Writes the model.</summary>
    public void Save(Stream stream)
    {
        int classes = parts.OfDocuments.NumClasses;
        Span<byte> header = stackalloc byte[2 * sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(header, vocabulary.Count);
        BinaryPrimitives.WriteInt32LittleEndian(header[sizeof(int)..], classes);
        stream.Write(header);
        Write<ulong>(stream, vocabulary.Hashes);
        Write<float>(stream, vocabulary.Idf);
        foreach (var model in parts.All)
        {
            Write<float>(stream, model.Bias.AsSpan(0, classes));
            Half[] row = new Half[classes];
            for (int f = 0; f < vocabulary.Count; f++)
            {
                for (int c = 0; c < classes; c++)
                    row[c] = (Half)model.Weights[f * model.Stride + c];
                Write<Half>(stream, row);
            }
        }
        Write<double>(stream, stacking.Mean);
        Write<double>(stream, stacking.Scale);
        Write<double>(stream, stacking.Parameters);
    }

    /// <summary>Reads a model that <see cref="Save"/> wrote.</summary>
    /// <param name="stream">A stream that can tell its length.</param>
    /// <param name="numClasses">C.</param>
    /// <exception cref="InvalidDataException">The stream holds something else.</exception>
    public static NGramClassifier Load(Stream stream, int numClasses)
    {
        Span<byte> header = stackalloc byte[2 * sizeof(int)];
        long length = stream.Length - stream.Position;
        if (stream.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length)
            throw Damaged($"has {length} bytes");
        int count = BinaryPrimitives.ReadInt32LittleEndian(header), classes = BinaryPrimitives.ReadInt32LittleEndian(header[sizeof(int)..]);
        if (classes != numClasses || count is < 0 or > MaxVocabulary)
            throw Damaged($"says {count} n-grams and {classes} classes");
        // Before anything is allocated: a few bytes could ask for all memory.
        long features = StackedFeatures.NumBlocks * (long)classes;
        long parameters = (classes <= StackingModel.MaxFullClasses ? features * classes : StackedFeatures.NumBlocks) + classes;
        long expected = header.Length + count * 12L + LinearParts.Count * (4L * classes + 2L * count * classes) + 8 * (2 * features + parameters);
        if (length != expected)
            throw Damaged($"has {length} bytes for {count} n-grams, which take {expected}");

        ulong[] hashes = Read<ulong>(stream, count);
        float[] idf = Read<float>(stream, count);
        if (hashes.Distinct().Count() != count)
            throw Damaged("names an n-gram twice");
        var models = new LinearModel[LinearParts.Count];
        for (int m = 0; m < models.Length; m++)
        {
            var model = models[m] = new LinearModel(count, classes);
            Read<float>(stream, classes).CopyTo(model.Bias, 0);
            Half[] weights = new Half[classes];
            for (int f = 0; f < count; f++)
            {
                stream.ReadExactly(MemoryMarshal.AsBytes(weights.AsSpan()));
                for (int c = 0; c < classes; c++)
                    model.Weights[f * model.Stride + c] = (float)weights[c];
            }
        }
        var stacking = new StackingModel(classes, StackedFeatures.NumBlocks);
        foreach (double[] part in new[] { stacking.Mean, stacking.Scale, stacking.Parameters })
            stream.ReadExactly(MemoryMarshal.AsBytes(part.AsSpan()));
        return new NGramClassifier(new NGramVocabulary(hashes, idf), LinearParts.Of(models), stacking);
    }

    private static void Write<T>(Stream stream, ReadOnlySpan<T> values) where T : struct => stream.Write(MemoryMarshal.AsBytes(values));

    private static T[] Read<T>(Stream stream, int count) where T : struct
    {
        T[] values = new T[count];
        stream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private static InvalidDataException Damaged(string what)
        => new($"The stream of the n-grams must hold a model of the classifier's classes, but {what}. The file is damaged: save the model again.");
}
