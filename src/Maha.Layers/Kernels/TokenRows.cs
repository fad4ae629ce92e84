namespace Maha.Layers.Kernels;

/// <summary>Rows of a [B, N, C] operand: a pointer to the first channel used and the distance between tokens in elements.</summary>
/// <remarks>The distance may exceed the width used, so that queries and keys can share one projection's output.</remarks>
internal readonly unsafe struct TokenRows<T>(T* pointer, nint stride)
    where T : unmanaged
{
    public readonly T* Pointer = pointer;
    public readonly nint Stride = stride;

    public T* Row(long token) => Pointer + (token * Stride);
}
