namespace Maha.MLNet.Rows;

/// <summary>Documents that a model can compute together, and the index of the current row's document.</summary>
internal interface ITextWindow
{
    /// <summary>A number that changes whenever the documents change.</summary>
    long Version { get; }

    /// <summary>The number of documents, at least 1.</summary>
    int Count { get; }

    /// <summary>The index of the current row's document.</summary>
    int Current { get; }

    /// <summary>Returns the text of a document.</summary>
    /// <exception cref="Exception">The exception that the source of the rows threw in place of the text.</exception>
    ReadOnlyMemory<char> TextOf(int index);
}

/// <summary>A model's results for the documents of a window. They are computed together, once for all columns, when the first of them is read.</summary>
/// <param name="window">The documents.</param>
/// <param name="compute">Computes one result per document.</param>
internal sealed class WindowResults<T>(ITextWindow window, Func<IReadOnlyList<ReadOnlyMemory<char>>, T[]> compute) where T : class
{
    private T?[]? _results;
    private long _version;

    /// <summary>Returns the result for the current row.</summary>
    public T Value()
    {
        if (_results is null || _version != window.Version)
        {
            _results = ComputeTogether();
            _version = window.Version;
        }
        return _results[window.Current] ??= compute([window.TextOf(window.Current)])[0];
    }

    private T?[] ComputeTogether()
    {
        if (window.Count > 1)
        {
            try
            {
                return compute([.. Enumerable.Range(0, window.Count).Select(window.TextOf)]);
            }
            catch (Exception)
            {
                // At least one document fails. Each is computed alone then, so that the exception is thrown at its own row and the other rows can be read.
            }
        }
        return new T?[window.Count];
    }
}
