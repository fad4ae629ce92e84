using Maha.Documents.Files;
using Maha.Documents.Readers;

namespace Maha.Documents.Rows;

/// <summary>One pass over the documents of a listing, in order: those that can be read, and those that can't.</summary>
/// <param name="listing">The files.</param>
/// <param name="options">The options.</param>
internal sealed class DocumentPass(FileListing listing, DocumentLoaderOptions options) : IDisposable
{
    private int _folder = -1;
    private int _file = -1;
    private IEnumerator<ReadItem>? _items;
    private long? _lastLine;

    /// <summary>The document, or the reason why it can't be read.</summary>
    public ReadItem Item { get; private set; }

    /// <summary>The path of its file, or of a folder that could not be listed.</summary>
    public string Path { get; private set; } = "";

    /// <summary>The label of the record, or the name of the folder.</summary>
    public string Label => Item.Label ?? listing.Files[_file].FolderName;

    /// <summary>The exception that ended the reading of the file; null if none did.</summary>
    public Exception? Cause { get; private set; }

    /// <summary>Reads the next document.</summary>
    /// <returns>Whether there is one.</returns>
    public bool MoveNext()
    {
        Cause = null;
        if (_folder + 1 < listing.Skipped.Count)
        {
            var folder = listing.Skipped[++_folder];
            (Path, Item) = (folder.Path, ReadItem.Bad(folder.Reason, folder.Line));
            return true;
        }
        while (true)
        {
            try
            {
                if (_items?.MoveNext() == true)
                {
                    Item = Checked(_items.Current);
                    if (Item.Error is null)
                        _lastLine = Item.Line;
                    return true;
                }
                Dispose();
                if (_file + 1 >= listing.Files.Count)
                    return false;
                var file = listing.Files[++_file];
                (Path, _lastLine) = (file.Path, null);
                _items = DocumentReaders.Read(file, options).GetEnumerator();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // A fault of a file ends the file, not the pass: files come from anywhere, and the libraries that parse them throw many kinds of exceptions.
                _items = null;
                Cause = e;
                var (reason, line) = ReadFailure.Describe(e, _lastLine);
                Item = ReadItem.Bad(reason, line);
                return true;
            }
        }
    }

    public void Dispose()
    {
        _items?.Dispose();
        _items = null;
    }

    private ReadItem Checked(ReadItem item)
    {
        if (item.Error is not null || options.KeepEmpty || !string.IsNullOrWhiteSpace(item.Text))
            return item;
        return ReadItem.Bad("A document must have text, but this one has none. Set KeepEmpty to have it as a row.", item.Line);
    }
}
