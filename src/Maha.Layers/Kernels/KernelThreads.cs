namespace Maha.Layers.Kernels;

/// <summary>Runs independent pieces of a kernel on a given number of threads.</summary>
internal static class KernelThreads
{
    /// <summary>Calls <paramref name="body"/> for every piece in [0, count), on at most <paramref name="threads"/> threads; one thread means the caller's.</summary>
    public static void For(int count, int threads, Action<int> body)
    {
        if (threads <= 1 || count <= 1)
        {
            for (int i = 0; i < count; i++)
            {
                body(i);
            }

            return;
        }

        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
    }

    /// <summary>Calls <paramref name="body"/> with document, head and block so that no two blocks that share a key run at once, and in an order per key that does not depend on the threads.</summary>
    /// <remarks>A block shares keys with its neighbors: three rounds, block number modulo 3, keep them apart. Global keys are everybody's: then a document's head is one piece.</remarks>
    public static void ForBlocks(WindowPlan plan, int threads, Action<int, int, int> body)
    {
        if (plan.GlobalKeys > 0)
        {
            For(plan.Batch * plan.Heads, threads, piece =>
            {
                for (int block = 0; block < plan.Blocks; block++)
                {
                    body(piece / plan.Heads, piece % plan.Heads, block);
                }
            });
            return;
        }

        for (int round = 0; round < Math.Min(3, plan.Blocks); round++)
        {
            int offset = round, blocks = (plan.Blocks - round + 2) / 3;
            For(plan.Batch * plan.Heads * blocks, threads, piece => body(piece / blocks / plan.Heads, piece / blocks % plan.Heads, (piece % blocks * 3) + offset));
        }
    }
}
