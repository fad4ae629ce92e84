namespace Maha.Layers.Kernels;

/// <summary>Ends dropout on this thread until the object is disposed, for results that belong to the model and not to a training.</summary>
/// <remarks>Unlike a change of the module's mode, it can't disturb what other threads compute with the same module.</remarks>
internal sealed class WithoutDropout : IDisposable
{
    [ThreadStatic]
    private static int s_depth;

    /// <summary>Begins.</summary>
    public WithoutDropout() => s_depth++;

    /// <summary>Whether there is no dropout on this thread.</summary>
    public static bool IsActive => s_depth > 0;

    /// <inheritdoc/>
    public void Dispose() => s_depth--;
}
