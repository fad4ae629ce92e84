using System.Collections.Concurrent;
using Maha.Tool.Input;
using Maha.Tool.Output;
using Microsoft.ML;

namespace Maha.Tool.Models;

/// <summary>Collects the results of documents as JSON lines.</summary>
/// <param name="writer">Writes the results.</param>
/// <param name="buffers">The buffers that are free. Who has written the lines of a part clears its buffer and adds it.</param>
internal sealed class JsonCollector(RowWriter writer, ConcurrentBag<JsonLineBuffer> buffers) : IRowCollector<JsonLineBuffer>
{
    private JsonLineBuffer? _lines;

    public IEnumerable<string> Columns => writer.Columns;

    public void Bind(DataViewRow row) => writer.Bind(row);

    public void Add(InputDocument document)
    {
        if (_lines is null && !buffers.TryTake(out _lines))
            _lines = new JsonLineBuffer();
        _lines.Write(document, writer.Write);
    }

    public JsonLineBuffer Complete()
    {
        var lines = _lines!;
        _lines = null;
        return lines;
    }
}
