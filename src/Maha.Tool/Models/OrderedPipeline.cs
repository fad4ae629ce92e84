using System.Collections.Concurrent;

namespace Maha.Tool.Models;

/// <summary>Reads items on one thread, computes them on several others, and returns the results in the order of the items.</summary>
/// <remarks>At most three items more than there are workers are in memory. Then the source waits for the caller.</remarks>
internal static class OrderedPipeline
{
    /// <summary>Returns the results in order. An exception of the source is thrown after the results of the items before it.</summary>
    /// <param name="source">The items.</param>
    /// <param name="workers">The number of threads that compute.</param>
    /// <param name="create">Returns what computes an item; called once on each thread. It is canceled where the caller leaves early, too.</param>
    /// <param name="cancellation">Ends the source and the workers.</param>
    public static IEnumerable<TResult> Run<TItem, TResult>(
        IEnumerable<TItem> source, int workers, Func<Func<TItem, CancellationToken, TResult>> create, CancellationToken cancellation)
    {
        // These are not disposed: where the caller leaves early, the reader can wait for standard input, and uses them when it wakes.
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ordered = new BlockingCollection<Work<TItem, TResult>>(workers + 1);
        var waiting = new BlockingCollection<Work<TItem, TResult>>();
        var reader = Start(() => Read(source, ordered, waiting, stop.Token));
        Task[] computing = [.. Enumerable.Range(0, workers).Select(_ => Start(() => Compute(waiting, create, stop.Token)))];
        try
        {
            // Without the token: the reader ends when it is canceled, and what is computed by then is returned.
            foreach (var work in ordered.GetConsumingEnumerable(CancellationToken.None))
                yield return work.Result.Task.GetAwaiter().GetResult();
            reader.GetAwaiter().GetResult();
        }
        finally
        {
            stop.Cancel();
            waiting.CompleteAdding();
            // The caller disposes of what the workers use. The reader is not waited for, since a read of standard input may never end.
            Task.WaitAll(computing, CancellationToken.None);
        }
    }

    private static Task Start(Action body) => Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Read<TItem, TResult>(
        IEnumerable<TItem> source, BlockingCollection<Work<TItem, TResult>> ordered, BlockingCollection<Work<TItem, TResult>> waiting,
        CancellationToken cancellation)
    {
        try
        {
            foreach (var item in source)
            {
                var work = new Work<TItem, TResult>(item);
                waiting.Add(work, cancellation);
                ordered.Add(work, cancellation);
            }
        }
        finally
        {
            waiting.CompleteAdding();
            ordered.CompleteAdding();
        }
    }

    private static void Compute<TItem, TResult>(
        BlockingCollection<Work<TItem, TResult>> waiting, Func<Func<TItem, CancellationToken, TResult>> create, CancellationToken cancellation)
    {
        Func<TItem, CancellationToken, TResult>? compute = null;
        // Without the token: each item that the caller waits for has a result, if only that it was canceled.
        foreach (var work in waiting.GetConsumingEnumerable(CancellationToken.None))
        {
            try
            {
                cancellation.ThrowIfCancellationRequested();
                compute ??= create();
                work.Result.SetResult(compute(work.Item, cancellation));
            }
            catch (Exception e)
            {
                work.Result.SetException(e);
            }
        }
    }

    private sealed record Work<TItem, TResult>(TItem Item)
    {
        public TaskCompletionSource<TResult> Result { get; } = new();
    }
}
