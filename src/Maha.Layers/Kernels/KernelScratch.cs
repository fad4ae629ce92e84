using System.Runtime.InteropServices;

namespace Maha.Layers.Kernels;

/// <summary>Aligned scratch memory that a thread keeps between kernel calls, so that most calls allocate nothing.</summary>
internal sealed unsafe class KernelScratch
{
    // One cache line: rows of vectors never straddle two lines.
    private const nuint Alignment = 64;

    [ThreadStatic]
    private static KernelScratch? s_piece;

    [ThreadStatic]
    private static KernelScratch? s_call;

    private void* _memory;
    private nuint _bytes;

    private KernelScratch()
    {
    }

    ~KernelScratch() => NativeMemory.AlignedFree(_memory);

    /// <summary>
    /// Returns memory for one piece of work: at least <paramref name="count"/> elements with undefined contents, valid until this thread's next call.
    /// </summary>
    public static T* Get<T>(long count)
        where T : unmanaged => (s_piece ??= new KernelScratch()).Reserve<T>(count);

    /// <summary>Returns memory that all pieces of a kernel call share, on any thread: valid until the calling thread's next call of this method.</summary>
    public static T* GetShared<T>(long count)
        where T : unmanaged => (s_call ??= new KernelScratch()).Reserve<T>(count);

    private T* Reserve<T>(long count)
        where T : unmanaged
    {
        nuint bytes = checked((nuint)count * (nuint)sizeof(T));
        if (bytes > _bytes)
        {
            NativeMemory.AlignedFree(_memory);
            _memory = null;
            _bytes = 0;
            _memory = NativeMemory.AlignedAlloc(bytes, Alignment);
            _bytes = bytes;
        }

        return (T*)_memory;
    }
}
