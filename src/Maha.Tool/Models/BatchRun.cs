using System.Runtime.ExceptionServices;
using Maha.Tool.Input;
using TorchSharp;

namespace Maha.Tool.Models;

/// <summary>Runs a model over batches of documents, on one thread.</summary>
/// <param name="model">The model.</param>
/// <param name="collector">Collects the results of the rows.</param>
internal sealed class BatchRun<TPart>(SavedModel model, IRowCollector<TPart> collector)
{
    private readonly string[] _columns = [.. collector.Columns, SavedModel.IndexColumn];
    private int _threads;

    /// <summary>Computes a batch.</summary>
    /// <param name="batch">The documents.</param>
    /// <param name="threads">The threads that the computation of a batch may use.</param>
    /// <param name="cancellation">Ends the computation between two documents.</param>
    public BatchResult<TPart> Compute(DocumentBatch batch, int threads, CancellationToken cancellation)
    {
        var result = new BatchResult<TPart>();
        int count = 0;
        try
        {
            // libtorch's number of threads is that of the thread that sets it.
            if (threads != _threads)
                torch.set_num_threads(_threads = threads);
            ReadRows();
        }
        catch (Exception e)
        {
            result.Failure = ExceptionDispatchInfo.Capture(e);
        }
        Complete();
        return result;

        void ReadRows()
        {
            int next = 0;
            if (batch.Documents.Any(document => document.Error is null))
            {
                var output = model.Transform(new BatchView(model, batch.Documents));
                using var cursor = output.GetRowCursor([.. _columns.Select(name => output.Schema[name])]);
                collector.Bind(cursor);
                var index = cursor.GetGetter<long>(output.Schema[SavedModel.IndexColumn]);
                long current = 0;
                while (cursor.MoveNext())
                {
                    cancellation.ThrowIfCancellationRequested();
                    index(ref current);
                    if (current < next)
                        throw new InvalidOperationException($"The model '{model.Path}' must keep the order of its rows, but does not.");
                    while (next < current)
                        LeaveOut(batch.Documents[next++]);
                    collector.Add(batch.Documents[next++]);
                    count++;
                }
            }
            while (next < batch.Documents.Count)
                LeaveOut(batch.Documents[next++]);
        }

        void LeaveOut(InputDocument document)
        {
            Complete();
            result.Steps.Add(new(default, 1, document.Error is null ? document with { Error = "The model has left the document out." } : document));
        }

        void Complete()
        {
            if (count > 0)
                result.Steps.Add(new(collector.Complete(), count, null));
            count = 0;
        }
    }
}

/// <summary>The results of a batch, in the order of its documents.</summary>
internal sealed class BatchResult<TPart>
{
    /// <summary>Results of documents that follow each other, and documents without a result.</summary>
    public List<BatchStep<TPart>> Steps { get; } = [];

    /// <summary>The exception that ended the batch after <see cref="Steps"/>; null if it is complete.</summary>
    public ExceptionDispatchInfo? Failure { get; set; }
}

/// <summary>The results of documents that follow each other, or a document without a result.</summary>
/// <param name="Part">The results.</param>
/// <param name="Count">The number of the documents.</param>
/// <param name="Unreadable">The document without a result, with the error; null where there are results.</param>
internal readonly record struct BatchStep<TPart>(TPart? Part, int Count, InputDocument? Unreadable);
