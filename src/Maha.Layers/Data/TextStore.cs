using System.Runtime.InteropServices;

namespace Maha.Layers.Data;

/// <summary>Texts that are first appended and then read in any order, in memory up to a limit, otherwise in a temporary file.</summary>
/// <remarks>The characters are stored as they are, two in the space of a token id, so that also a lone half of a surrogate pair comes back.</remarks>
internal sealed class TextStore(long maxBytesInMemory, string? directory) : IDisposable
{
    private readonly TokenStore _store = new(maxBytesInMemory, directory);
    private readonly List<(long Start, int Length)> _texts = [];

    /// <summary>Appends a text.</summary>
    public void Append(ReadOnlySpan<char> text)
    {
        _texts.Add((_store.Count, text.Length));
        int[] pairs = new int[(text.Length + 1) / 2];
        text.CopyTo(MemoryMarshal.Cast<int, char>(pairs.AsSpan()));
        _store.Append(pairs);
    }

    /// <summary>Ends appending. Call it before the first read.</summary>
    public void Complete() => _store.Complete();

    /// <summary>Reads a text; several threads may.</summary>
    public string Read(int index)
    {
        var (start, length) = _texts[index];
        int[] pairs = new int[(length + 1) / 2];
        _store.Read(start, pairs);
        return new string(MemoryMarshal.Cast<int, char>(pairs.AsSpan())[..length]);
    }

    /// <inheritdoc/>
    public void Dispose() => _store.Dispose();
}
