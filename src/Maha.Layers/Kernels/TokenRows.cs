namespace Maha.Layers.Kernels;

/// <summary>Rows of a [B, N, C] operand: a pointer to the first channel used and the distance between tokens in elements.</summary>
/// <remarks>The distance may exceed the width used, so that queries and keys can share one projection's output.</remarks>
internal readonly unsafe struct TokenRows<T>(T* pointer, nint stride)
    where T : unmanaged
{
    /// <summary>The first channel of the first token.</summary>
    public readonly T* Pointer = pointer;

    /// <summary>Elements between tokens.</summary>
    public readonly nint Stride = stride;

    /// <summary>Returns the first channel of a token.</summary>
    public T* Row(long token) => Pointer + (token * Stride);
}
