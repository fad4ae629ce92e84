namespace Maha.MLNet.Rows;

/// <summary>Documents that a model may read together, and which of them is the present row's.</summary>
internal interface ITextWindow
{
    /// <summary>Differs from one set of documents to the next.</summary>
    long Version { get; }

    /// <summary>The number of documents, at least 1.</summary>
    int Count { get; }

    /// <summary>The present row's document, from 0.</summary>
    int Current { get; }

    /// <summary>The text of a document.</summary>
    /// <exception cref="Exception">What the source of the rows threw instead.</exception>
    ReadOnlyMemory<char> TextOf(int index);
}

/// <summary>What a model says of a window's present row: computed for all its documents together, when the first is asked for, however many columns are read.</summary>
/// <param name="window">The documents.</param>
/// <param name="compute">What is computed of documents, one result each.</param>
internal sealed class WindowResults<T>(ITextWindow window, Func<IReadOnlyList<ReadOnlyMemory<char>>, T[]> compute) where T : class
{
    private T?[]? _results;
    private long _version;

    /// <summary>The present row's.</summary>
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
                // One document fails, or all: each is computed alone then, so that what fails does so at its own row and the others are read.
            }
        }
        return new T?[window.Count];
    }
}
