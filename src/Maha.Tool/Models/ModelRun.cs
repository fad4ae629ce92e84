using Maha.Tool.Input;
using Microsoft.ML;
using TorchSharp;

namespace Maha.Tool.Models;

/// <summary>Runs a model over documents, in their order.</summary>
/// <param name="model">The model.</param>
/// <param name="cancellation">Ends the run between two documents.</param>
internal sealed class ModelRun(SavedModel model, CancellationToken cancellation)
{
    // Batches on one thread each take less time than one batch on several threads, but each needs memory of its own. With twice as many threads or more, a
    // batch has several; with fewer, those beyond the workers have nothing to do.
    private const int MaxWorkers = 8;

    private int _unfinished;

    /// <summary>Computes the documents in batches, several at a time, in bounded memory.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="create">Returns what collects the results of rows, one per thread.</param>
    /// <param name="receive">Receives the results of documents that follow each other, and the number of the documents.</param>
    /// <param name="refuse">Receives each document that has no result, with its error, in its place.</param>
    public void Stream<TPart>(
        IEnumerable<InputDocument> documents, Func<IRowCollector<TPart>> create, Action<TPart, int> receive, Action<InputDocument> refuse)
    {
        int threads = torch.get_num_threads(), workers = Math.Min(threads, MaxWorkers);
        var batches = DocumentBatch.Divide(documents, workers).Select(batch =>
        {
            Interlocked.Increment(ref _unfinished);
            return batch;
        });
        foreach (var result in OrderedPipeline.Run(batches, workers, CreateWorker, cancellation))
        {
            foreach (var (part, count, unreadable) in result.Steps)
            {
                if (unreadable is null)
                    receive(part!, count);
                else
                    refuse(unreadable);
            }
            result.Failure?.Throw();
        }

        Func<DocumentBatch, CancellationToken, BatchResult<TPart>> CreateWorker()
        {
            var run = new BatchRun<TPart>(model, create());
            return (batch, stop) =>
            {
                // The last batch uses the threads for which there is no other.
                int share = batch.IsLast ? Math.Min(workers, Volatile.Read(ref _unfinished)) : workers;
                var result = run.Compute(batch, threads / share, stop);
                Interlocked.Decrement(ref _unfinished);
                return result;
            };
        }
    }

    /// <summary>Computes one document at a time, so that each has its answer before the next is read.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="columns">The columns of the model that are read.</param>
    /// <param name="bind">Receives the row from which the values of the current document are read.</param>
    /// <param name="receive">Receives each document, with the row on it; also those that can't be read.</param>
    public void OneByOne(IEnumerable<InputDocument> documents, IEnumerable<string> columns, Action<DataViewRow> bind, Action<InputDocument> receive)
    {
        if (!model.Transformer.IsRowToRowMapper)
            throw new InvalidOperationException($"The model '{model.Path}' can't be run row by row. Leave --line-buffered out.");
        var mapper = model.Transformer.GetRowToRowMapper(model.InputSchema);
        var document = new DocumentRow(model);
        using var row = mapper.GetRow(document, columns.Select(name => mapper.OutputSchema[name]));
        bind(row);
        long index = 0;
        foreach (var next in documents)
        {
            cancellation.ThrowIfCancellationRequested();
            document.Set(index++, next.Text);
            receive(next);
        }
    }
}
