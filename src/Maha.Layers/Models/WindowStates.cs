using System.Runtime.InteropServices;
using Maha.Layers.Data;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// S windows, W window length, D width

/// <summary>
/// The states of documents after the frozen layers of an encoder, in half precision: computed once, then read in every epoch. They are in memory up to a
/// limit, otherwise in a temporary file.
/// </summary>
internal sealed class WindowStates : IDisposable
{
    private readonly WindowedDocuments _documents;
    private readonly TokenStore _store;
    private readonly int _width;
    private readonly long[] _starts;

    private WindowStates(WindowedDocuments documents, TokenStore store, int width, int layer)
    {
        (_documents, _store, _width, Layer) = (documents, store, width, layer);
        _starts = new long[documents.Count];
    }

    /// <summary>The layer whose input the states are.</summary>
    public int Layer { get; }

    /// <summary>Computes the states of all documents.</summary>
    /// <param name="reader">The encoder, whose layers before <paramref name="layer"/> stay as they are. Its width must be even.</param>
    /// <param name="documents">The documents, which must give the same windows every time.</param>
    /// <param name="layer">The first layer that is trained.</param>
    /// <param name="store">The options of the temporary file.</param>
    /// <param name="progress">Receives the number of documents that are done.</param>
    /// <param name="cancellationToken">Checked before every document.</param>
    public static WindowStates Compute(
        WindowedEncoder reader, WindowedDocuments documents, int layer, TokenizedDatasetOptions store, Action<int>? progress, CancellationToken cancellationToken)
    {
        var states = new WindowStates(documents, new TokenStore(store.MaxBytesInMemory, store.TemporaryDirectory), reader.Encoder.Options.DModel, layer);
        try
        {
            bool wasTraining = reader.training;
            reader.eval();
            for (int first = 0, end; first < documents.Count; first = end)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long tokens = 0;
                for (end = first; end < documents.Count && (end == first || tokens + documents.LengthOf(end) <= reader.MaxTokens); end++)
                    tokens += documents.LengthOf(end);
                states.Add(reader, [.. Enumerable.Range(first, end - first)]);
                progress?.Invoke(end);
            }
            reader.train(wasTraining);
            states._store.Complete();
            return states;
        }
        catch
        {
            states.Dispose();
            throw;
        }
    }

    /// <summary>Returns the states of the windows of some documents, [S, W, D] of Float32, padded with 0 to the longest window.</summary>
    /// <param name="rows">The documents, in the order of the windows.</param>
    /// <param name="lengths">The number of tokens of each window.</param>
    public Tensor Read(IReadOnlyList<int> rows, int[] lengths)
    {
        int width = lengths.Max(), window = 0;
        var halves = new Half[(long)lengths.Length * width * _width];
        foreach (int row in rows)
        {
            long start = _starts[row], left = _documents.LengthOf(row);
            for (; left > 0; window++)
            {
                int count = lengths[window] * _width;
                _store.Read(start, MemoryMarshal.Cast<Half, int>(halves.AsSpan(window * width * _width, count)));
                start += count / 2;
                left -= lengths[window];
            }
        }
        using var scope = NewDisposeScope();
        return tensor(halves, [lengths.Length, width, _width]).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the memory, or deletes the file.</summary>
    public void Dispose() => _store.Dispose();

    private void Add(WindowedEncoder reader, int[] rows)
    {
        using var batch = TokenBatch.Create(_documents, rows);
        // By window of the batch: the groups of the encoder are in another order.
        var byWindow = new SortedDictionary<int, Half[]>();
        foreach (var (hidden, windows, lengths) in reader.EncodeUntil(batch.TokenIds, batch.KeyPaddingMask, Layer))
        {
            using (hidden)
            {
                using var half = hidden.to(ScalarType.Float16);
                var values = half.data<Half>().ToArray().AsSpan();
                int width = (int)hidden.shape[1] * _width;
                for (int i = 0; i < windows.Length; i++)
                    byWindow.Add(windows[i], values.Slice(i * width, lengths[i] * _width).ToArray());
            }
        }
        int document = 0, left = 0;
        foreach (var states in byWindow.Values)
        {
            if (left == 0)
            {
                _starts[rows[document]] = _store.Count;
                left = batch.Lengths[document++];
            }
            _store.Append(MemoryMarshal.Cast<Half, int>(states.AsSpan()));
            left -= states.Length / _width;
        }
    }
}
