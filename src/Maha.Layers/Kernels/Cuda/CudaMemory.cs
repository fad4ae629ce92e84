namespace Maha.Layers.Kernels;

/// <summary>Divides one piece of device memory into arrays, so that a pass allocates once. Without an address it only counts the bytes.</summary>
internal struct CudaMemory(nint address)
{
    // Vectors of 16 bytes are read from every array.
    private const int Alignment = 16;

    private readonly nint _start = address;
    private nint _next = address;

    /// <summary>The bytes of the arrays so far.</summary>
    public readonly long Bytes => _next - _start;

    /// <summary>Returns the address of an array of numbers of 4 bytes; 0 where the array is not needed.</summary>
    public nint Take(long count, bool isNeeded = true)
    {
        if (!isNeeded)
            return 0;
        nint start = _next;
        _next += (nint)(((count * sizeof(float)) + Alignment - 1) / Alignment * Alignment);
        return start;
    }
}
