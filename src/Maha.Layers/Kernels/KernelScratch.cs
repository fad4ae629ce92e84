using System.Runtime.InteropServices;

namespace Maha.Layers.Kernels;

/// <summary>Aligned scratch memory that a thread keeps between kernel calls, so that a call allocates nothing.</summary>
internal sealed unsafe class KernelScratch
{
    // One cache line: rows of vectors never straddle two lines.
    private const nuint Alignment = 64;

    [ThreadStatic]
    private static KernelScratch? s_current;

    private void* _memory;
    private nuint _bytes;

    private KernelScratch()
    {
    }

    ~KernelScratch() => NativeMemory.AlignedFree(_memory);

    /// <summary>At least <paramref name="count"/> elements, contents undefined, valid until this thread's next call.</summary>
    public static T* Get<T>(long count)
        where T : unmanaged
    {
        KernelScratch scratch = s_current ??= new KernelScratch();
        nuint bytes = checked((nuint)count * (nuint)sizeof(T));
        if (bytes > scratch._bytes)
        {
            NativeMemory.AlignedFree(scratch._memory);
            scratch._memory = null;
            scratch._bytes = 0;
            scratch._memory = NativeMemory.AlignedAlloc(bytes, Alignment);
            scratch._bytes = bytes;
        }

        return (T*)scratch._memory;
    }
}
