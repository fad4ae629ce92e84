using System.Runtime.InteropServices;

namespace Maha.Layers.Kernels;

/// <summary>Texts in native memory, UTF-8 with a final 0, until it is disposed.</summary>
internal sealed unsafe class NativeTexts : IDisposable
{
    private readonly List<nint> _blocks = [];

    /// <summary>Copies a text.</summary>
    public byte* Add(string text)
    {
        nint block = Marshal.StringToCoTaskMemUTF8(text);
        _blocks.Add(block);
        return (byte*)block;
    }

    /// <summary>Copies texts, and returns the array of their addresses.</summary>
    public byte** Add(IEnumerable<string> texts)
    {
        nint[] copies = [.. texts.Select(text => (nint)Add(text))];
        nint block = Marshal.AllocCoTaskMem(Math.Max(1, copies.Length) * sizeof(nint));
        _blocks.Add(block);
        copies.CopyTo(new Span<nint>((void*)block, copies.Length));
        return (byte**)block;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _blocks.ForEach(Marshal.FreeCoTaskMem);
        _blocks.Clear();
    }
}
