using Maha.Tool.Input;
using Microsoft.ML;

namespace Maha.Tool.Models;

/// <summary>Runs a model over documents, in their order.</summary>
/// <param name="model">The model.</param>
/// <param name="cancellation">Ends the run between two documents.</param>
internal sealed class ModelRun(SavedModel model, CancellationToken cancellation)
{
    /// <summary>Computes the documents together, several at a time, in bounded memory.</summary>
    /// <param name="documents">The documents.</param>
    /// <param name="columns">The columns of the model that are read.</param>
    /// <param name="bind">Receives the row from which the values of the current document are read.</param>
    /// <param name="receive">Receives each document, with the row on it; also those that can't be read.</param>
    public void Stream(
        IEnumerable<InputDocument> documents, IEnumerable<string> columns, Action<DataViewRow> bind, Action<InputDocument> receive)
    {
        var input = new StreamedDocuments(model, ReadAhead.OnThread(documents, cancellation));
        var output = model.Transformer.Transform(input);
        using var cursor = output.GetRowCursor([.. columns.Append(SavedModel.IndexColumn).Select(name => output.Schema[name])]);
        bind(cursor);
        var index = cursor.GetGetter<long>(output.Schema[SavedModel.IndexColumn]);
        long current = 0;
        while (cursor.MoveNext())
        {
            index(ref current);
            while (input.Waiting.TryDequeue(out var next))
            {
                cancellation.ThrowIfCancellationRequested();
                if (next.Index == current)
                {
                    receive(next.Document);
                    break;
                }
                receive(Dropped(next.Document));
            }
        }
        while (input.Waiting.TryDequeue(out var next))
            receive(Dropped(next.Document));
    }

    /// <summary>Computes one document at a time, so that each has its answer before the next is read.</summary>
    /// <inheritdoc cref="Stream"/>
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

    private static InputDocument Dropped(InputDocument document)
        => document.Error is null ? document with { Error = "The model has left the document out." } : document;
}
