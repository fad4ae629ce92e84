using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

/// <summary>Runs the blocks of a <see cref="WindowPlan"/> on several threads for backward passes, which add to the gradients of shared keys.</summary>
internal static class WindowBlocks
{
    /// <summary>Calls <paramref name="body"/> with document, head and block for every block of a plan.</summary>
    /// <remarks>
    /// Two blocks that share a key never run at the same time, and the order per key does not depend on the number of threads. A block shares keys with its
    /// neighbors: three rounds, by block number modulo 3, keep them apart. All blocks share the global keys: with global keys, a document's head is one piece.
    /// </remarks>
    public static void ForEach(WindowPlan plan, int threads, Action<int, int, int> body)
    {
        if (plan.GlobalKeys > 0)
        {
            KernelThreads.For(plan.Batch * plan.Heads, threads, piece =>
            {
                for (int block = 0; block < plan.Blocks; block++)
                    body(piece / plan.Heads, piece % plan.Heads, block);
            });
            return;
        }
        for (int round = 0; round < Math.Min(3, plan.Blocks); round++)
        {
            int offset = round, blocks = (plan.Blocks - round + 2) / 3;
            KernelThreads.For(plan.Batch * plan.Heads * blocks, threads, piece =>
                body(piece / blocks / plan.Heads, piece / blocks % plan.Heads, (piece % blocks * 3) + offset));
        }
    }
}
