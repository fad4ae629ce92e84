using System.Text;
using Microsoft.ML;

namespace Maha.Documents.Tests;

/// <summary>A folder of files that a test writes and loads.</summary>
internal sealed class Corpus : IDisposable
{
    public string Folder { get; } = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public MLContext Context { get; } = new(seed: 1);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public Corpus Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    public Corpus Write(string path, byte[] bytes)
    {
        string full = PathOf(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllBytes(full, bytes);
        return this;
    }

    public string PathOf(string path) => Path.Combine(Folder, path);

    public DocumentDataView Load(DocumentLoaderOptions? options = null, string? pattern = null) => Context.Data.LoadDocuments(Folder, pattern, options);

    /// <summary>Reads all rows.</summary>
    public static List<Row> Rows(DocumentDataView data)
    {
        using var cursor = data.GetRowCursor(data.Schema);
        return Rows(cursor);
    }

    /// <summary>Reads the rows that a cursor has before it.</summary>
    public static List<Row> Rows(DataViewRowCursor cursor)
    {
        var rows = new List<Row>();
        var text = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema["Text"]);
        var label = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema["Label"]);
        var path = cursor.GetGetter<ReadOnlyMemory<char>>(cursor.Schema["Path"]);
        var line = cursor.GetGetter<long>(cursor.Schema["Line"]);
        ReadOnlyMemory<char> value = default;
        long number = 0;
        while (cursor.MoveNext())
        {
            line(ref number);
            rows.Add(new Row(Read(text), Read(label), Read(path), number));
        }
        return rows;

        string Read(ValueGetter<ReadOnlyMemory<char>> getter)
        {
            getter(ref value);
            return value.ToString();
        }
    }

    /// <summary>Reads one file and returns its texts.</summary>
    public static IEnumerable<string> Texts(string path, byte[] bytes, DocumentLoaderOptions? options = null)
    {
        using var corpus = new Corpus().Write(path, bytes);
        return [.. Rows(corpus.Load(options)).Select(row => row.Text)];
    }

    /// <summary>Reads one file and returns its text.</summary>
    public static string Text(string path, string text, DocumentLoaderOptions? options = null)
        => Texts(path, Encoding.UTF8.GetBytes(text), options).Single();

    /// <summary>Reads one file, of which every document is skipped, and returns them.</summary>
    public static IReadOnlyList<SkippedDocument> Skipped(string path, byte[] bytes, DocumentLoaderOptions? options = null)
    {
        using var corpus = new Corpus().Write(path, bytes);
        var data = corpus.Load(options);
        Assert.Empty(Rows(data));
        Assert.Equal(data.Summary!.Skipped.Count, data.Summary.NumberOfSkipped);
        return data.Summary.Skipped;
    }

    public static IReadOnlyList<SkippedDocument> Skipped(string path, string text, DocumentLoaderOptions? options = null)
        => Skipped(path, Encoding.UTF8.GetBytes(text), options);
}

internal sealed record Row(string Text, string Label, string Path, long Line);
