using Maha.Documents.Files;
using Maha.Documents.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Maha.Documents;

/// <summary>The documents of a folder or file as rows. Each pass reads the files again, and holds one document in memory.</summary>
/// <remarks>Cursors are independent of each other: several threads can have one each. The order of the rows is the same in every pass.</remarks>
public sealed class DocumentDataView : IDataView
{
    // A training passes over the data many times, and a folder can have many bad files.
    private const int MaxWarnings = 100;

    private readonly IHost _host;
    private readonly FileListing _listing;
    private readonly HashSet<SkippedDocument> _warned = [];

    internal DocumentDataView(IHostEnvironment environment, FileListing listing, DocumentLoaderOptions options)
    {
        _host = environment.Register(nameof(DocumentDataView));
        _listing = listing;
        Options = options;
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("Text", TextDataViewType.Instance);
        builder.AddColumn("Label", TextDataViewType.Instance);
        builder.AddColumn("Path", TextDataViewType.Instance);
        builder.AddColumn("Line", NumberDataViewType.Int64);
        Schema = builder.ToSchema();
    }

    /// <summary>The columns Text, Label, Path (all of type Text) and Line (of type Int64).</summary>
    public DataViewSchema Schema { get; }

    /// <summary>The paths of the files, relative to the folder, in the order of reading.</summary>
    public IReadOnlyList<string> Files => [.. _listing.Files.Select(file => file.Path)];

    /// <summary>The counts of the pass that was completed last; null if none was.</summary>
    public DocumentReadSummary? Summary { get; private set; }

    /// <summary>Returns false: the order of the rows is that of the files.</summary>
    public bool CanShuffle => false;

    internal DocumentLoaderOptions Options { get; }

    /// <summary>Returns null: the number of documents is known when all files are read.</summary>
    public long? GetRowCount() => null;

    /// <summary>Creates a cursor, which reads the files from the first one on.</summary>
    /// <param name="columnsNeeded">The columns that are read.</param>
    /// <param name="rand">Ignored, since <see cref="CanShuffle"/> is false.</param>
    /// <returns>The cursor.</returns>
    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null)
    {
        ArgumentNullException.ThrowIfNull(columnsNeeded);
        return new DocumentCursor(this, _listing, columnsNeeded);
    }

    /// <summary>Creates one cursor: the documents of a file are read one after the other.</summary>
    /// <param name="columnsNeeded">The columns that are read.</param>
    /// <param name="n">The most cursors that the caller asks for.</param>
    /// <param name="rand">Ignored, since <see cref="CanShuffle"/> is false.</param>
    /// <returns>The cursor.</returns>
    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null)
        => [GetRowCursor(columnsNeeded, rand)];

    /// <summary>Reports a skipped document, and throws if the options say so.</summary>
    internal void Report(SkippedDocument skipped, Exception? cause)
    {
        if (Options.ThrowOnError)
            throw new InvalidDataException($"A document can't be read. {skipped}", cause);
        Options.OnSkipped?.Invoke(skipped);
        int count;
        lock (_warned)
        {
            if (_warned.Count > MaxWarnings || !_warned.Add(skipped))
                return;
            count = _warned.Count;
        }
        using var channel = _host.Start("Reading documents");
        channel.Warning(MessageSensitivity.UserData, count <= MaxWarnings
            ? $"Skipped {skipped}"
            : $"More than {MaxWarnings} documents were skipped. The others are not written here: see Summary or OnSkipped.");
    }

    internal void Complete(DocumentReadSummary summary) => Summary = summary;
}
