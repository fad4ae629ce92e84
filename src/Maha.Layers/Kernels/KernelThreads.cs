namespace Maha.Layers.Kernels;

/// <summary>Runs independent pieces of a kernel on a given number of threads.</summary>
internal static class KernelThreads
{
    /// <summary>Calls <paramref name="body"/> for every piece in [0, count) on at most <paramref name="threads"/> threads.</summary>
    /// <remarks>With one thread the pieces run on the calling thread, in order.</remarks>
    public static void For(int count, int threads, Action<int> body)
    {
        if (threads <= 1 || count <= 1)
        {
            for (int i = 0; i < count; i++)
                body(i);
            return;
        }
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
    }
}
