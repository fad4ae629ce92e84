using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.ML;

namespace Maha.Report.Content;

/// <summary>The size of a data set, and a hash by which it can be told from others.</summary>
/// <param name="Documents">The number of documents.</param>
/// <param name="Characters">The number of UTF-16 code units of the texts.</param>
/// <param name="Hash">The SHA-256 of labels and texts, in the order of the rows.</param>
internal sealed record DataDescription(long Documents, long Characters, string Hash);

/// <summary>Computes a <see cref="DataDescription"/>.</summary>
internal sealed class DataHash : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _documents;
    private long _characters;

    /// <summary>Adds a document. The lengths are hashed too, so that a character cannot move from one field to another.</summary>
    public void Add(ReadOnlySpan<char> label, ReadOnlySpan<char> text)
    {
        Append(label);
        Append(text);
        _documents++;
        _characters += text.Length;
    }

    /// <summary>Returns the result.</summary>
    public DataDescription Complete() => new(_documents, _characters, Convert.ToHexStringLower(_hash.GetHashAndReset()));

    /// <summary>Describes the columns of a data view.</summary>
    public static DataDescription Compute(IDataView data, ReportedModel model, CancellationToken cancellation)
    {
        var columns = model.Classifier.Manifest.Columns;
        var (label, text) = (TestResult.Find(data, columns.Label, "label"), TestResult.Find(data, columns.Text, "text"));
        using var cursor = data.GetRowCursor([label, text]);
        var names = model.Classifier.Labels.Names;
        var labelOf = TestResult.LabelGetter(cursor, cursor.Schema[label.Index], names, model.IsBinary);
        var textOf = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema[text.Index]);
        using var hash = new DataHash();
        ReadOnlyMemory<char> value = default;
        while (cursor.MoveNext())
        {
            cancellation.ThrowIfCancellationRequested();
            int index = labelOf();
            textOf(ref value);
            hash.Add(index < 0 ? "" : names[index], value.Span);
        }
        return hash.Complete();
    }

    /// <inheritdoc/>
    public void Dispose() => _hash.Dispose();

    private void Append(ReadOnlySpan<char> text)
    {
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, text.Length);
        _hash.AppendData(length);
        _hash.AppendData(MemoryMarshal.AsBytes(text));
    }
}
