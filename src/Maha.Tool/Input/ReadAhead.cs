using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Maha.Tool.Input;

/// <summary>
/// Reads documents on a thread of its own, so that parsing them takes no time from the model. A few batches are read ahead; then the thread waits.
/// </summary>
internal static class ReadAhead
{
    private const int MaxDocuments = 32;
    private const int MaxCharacters = 1 << 16;
    private const int MaxBatches = 2;

    /// <summary>Returns the documents in their order. An exception of the source is thrown after the documents before it.</summary>
    public static IEnumerable<InputDocument> OnThread(IEnumerable<InputDocument> documents, CancellationToken cancellation)
    {
        // Neither is disposed: where the caller leaves early, the thread can wait for standard input, and uses them when it wakes.
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var batches = new BlockingCollection<List<InputDocument>>(MaxBatches);
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() => failure = Copy(documents, batches, source.Token)) { IsBackground = true };
        thread.Start();
        try
        {
            foreach (var batch in batches.GetConsumingEnumerable(CancellationToken.None))
            {
                foreach (var document in batch)
                    yield return document;
            }
            thread.Join();
            failure?.Throw();
        }
        finally
        {
            source.Cancel();
        }
    }

    private static ExceptionDispatchInfo? Copy(
        IEnumerable<InputDocument> documents, BlockingCollection<List<InputDocument>> batches, CancellationToken cancellation)
    {
        var batch = new List<InputDocument>(MaxDocuments);
        try
        {
            int characters = 0;
            foreach (var document in documents)
            {
                batch.Add(document);
                characters += document.Text.Length;
                if (batch.Count < MaxDocuments && characters < MaxCharacters)
                    continue;
                batches.Add(batch, cancellation);
                (batch, characters) = (new List<InputDocument>(MaxDocuments), 0);
            }
            batches.Add(batch, cancellation);
            return null;
        }
        catch (Exception e)
        {
            // The documents before the failure have their answers, unless nothing takes them any more.
            if (!cancellation.IsCancellationRequested)
                AddUnlessCanceled(batches, batch, cancellation);
            return ExceptionDispatchInfo.Capture(e);
        }
        finally
        {
            batches.CompleteAdding();
        }
    }

    private static void AddUnlessCanceled(
        BlockingCollection<List<InputDocument>> batches, List<InputDocument> batch, CancellationToken cancellation)
    {
        try
        {
            batches.Add(batch, cancellation);
        }
        catch (OperationCanceledException)
        {
            // The caller throws it.
        }
    }
}
