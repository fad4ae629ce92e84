using System.Runtime.InteropServices;
using Maha.Layers.Data;
using Maha.Layers.Distributed;
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
    /// <param name="group">The processes that share the computation, each of which gets all states; null for this process alone.</param>
    /// <param name="cancellationToken">Checked before every group of documents.</param>
    public static WindowStates Compute(
        WindowedEncoder reader, WindowedDocuments documents, int layer, TokenizedDatasetOptions store, Action<int>? progress, ProcessGroup? group,
        CancellationToken cancellationToken)
    {
        var states = new WindowStates(documents, new TokenStore(store.MaxBytesInMemory, store.TemporaryDirectory), reader.Encoder.Options.DModel, layer);
        try
        {
            bool wasTraining = reader.training;
            reader.eval();
            int[][] parts = states.Parts(reader.MaxTokens);
            int size = group?.Size ?? 1;
            for (int round = 0; round < parts.Length; round += size)
            {
                if (group is null)
                    cancellationToken.ThrowIfCancellationRequested();
                else if (group.Any(cancellationToken.IsCancellationRequested))
                    throw new OperationCanceledException("The reading of documents was canceled in one of the processes that train together.", cancellationToken);
                int own = round + (group?.Rank ?? 0);
                int[][] computed = own < parts.Length ? states.Compute(reader, parts[own]) : [];
                for (int source = 0; source < size && round + source < parts.Length; source++)
                {
                    states.Append(parts[round + source], group is null ? computed : Exchange(group, computed, source));
                    progress?.Invoke(parts[round + source][^1] + 1);
                }
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

    /// <summary>Returns the states of the windows of some documents, [S, W, D] of Float16 on the processor, padded with 0 to the longest window.</summary>
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
        return tensor(halves, [lengths.Length, width, _width]);
    }

    /// <summary>Frees the memory, or deletes the file.</summary>
    public void Dispose() => _store.Dispose();

    // Documents that are read together.
    private int[][] Parts(int maxTokens)
    {
        var parts = new List<int[]>();
        for (int first = 0, end; first < _documents.Count; first = end)
        {
            long tokens = 0;
            for (end = first; end < _documents.Count && (end == first || tokens + _documents.LengthOf(end) <= maxTokens); end++)
                tokens += _documents.LengthOf(end);
            parts.Add([.. Enumerable.Range(first, end - first)]);
        }
        return [.. parts];
    }

    // The states of some documents, two in each number.
    private int[][] Compute(WindowedEncoder reader, int[] rows)
    {
        using var batch = TokenBatch.Create(_documents, rows, reader.Encoder.TokenEmbeddings.device);
        // By window of the batch: the groups of the encoder are in another order.
        var byWindow = new SortedDictionary<int, Half[]>();
        foreach (var (hidden, windows, lengths) in reader.EncodeUntil(batch.TokenIds, batch.KeyPaddingMask, Layer))
        {
            using (hidden)
            {
                using var half = hidden.to(ScalarType.Float16);
                using var onProcessor = half.cpu();
                var values = onProcessor.data<Half>().ToArray().AsSpan();
                int width = (int)hidden.shape[1] * _width;
                for (int i = 0; i < windows.Length; i++)
                    byWindow.Add(windows[i], values.Slice(i * width, lengths[i] * _width).ToArray());
            }
        }
        int[][] states = [.. batch.Lengths.Select(length => new int[length * _width / 2])];
        int document = 0, filled = 0;
        foreach (var window in byWindow.Values)
        {
            while (filled == states[document].Length)
            {
                document++;
                filled = 0;
            }
            MemoryMarshal.Cast<Half, int>(window.AsSpan()).CopyTo(states[document].AsSpan(filled));
            filled += window.Length / 2;
        }
        return states;
    }

    private void Append(int[] rows, int[][] states)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            _starts[rows[i]] = _store.Count;
            _store.Append(states[i]);
        }
    }

    private static int[][] Exchange(ProcessGroup group, int[][] states, int source)
    {
        bool isOwn = group.Rank == source;
        int[] counts = MemoryMarshal.Cast<byte, int>(group.Broadcast(isOwn ? Bytes([.. states.Select(own => own.Length)]) : null, source)).ToArray();
        return [.. counts.Select((_, i) => MemoryMarshal.Cast<byte, int>(group.Broadcast(isOwn ? Bytes(states[i]) : null, source)).ToArray())];

        static byte[] Bytes(int[] values) => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();
    }
}
