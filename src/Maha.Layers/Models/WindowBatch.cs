using System.Runtime.InteropServices;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Models;

// B documents, S windows, W window length, C chunks of a window

/// <summary>The windows of a batch of documents: where each lies in the ids, and which states it gives.</summary>
internal sealed class WindowBatch
{
    private readonly long[] _ids;
    private readonly int[] _starts;
    private readonly int[] _lengths;
    private readonly int[] _windows;
    private readonly int[] _states;
    private int[]? _firstEqual;

    private WindowBatch(long[] ids, int[] starts, int[] lengths, int[] windows, int[] states, int chunkLength)
    {
        (_ids, _starts, _lengths, _windows, _states) = (ids, starts, lengths, windows, states);
        ChunkLength = chunkLength;
    }

    /// <summary>S, the number of windows of all documents.</summary>
    public int Count => _starts.Length;

    /// <summary>The number of tokens of a chunk.</summary>
    public int ChunkLength { get; }

    /// <summary>Finds the windows.</summary>
    /// <param name="ids">[B, N], row after row.</param>
    /// <param name="lengths">The valid tokens of each document.</param>
    /// <param name="width">N.</param>
    /// <param name="options">The special tokens and the length of a chunk.</param>
    /// <exception cref="ArgumentException">A document does not consist of framed windows.</exception>
    public static WindowBatch Find(long[] ids, IReadOnlyList<int> lengths, int width, WindowedEncoderOptions options)
    {
        var starts = new List<int>();
        var counts = new List<int>();
        int[] windows = new int[lengths.Count], states = new int[lengths.Count];
        for (int document = 0; document < lengths.Count; document++)
        {
            int begin = document * width, end = begin + lengths[document];
            for (int start = begin; start < end;)
            {
                int after = start + 1;
                while (after < end && ids[after] != options.ClsTokenId)
                    after++;
                if (ids[start] != options.ClsTokenId || ids[after - 1] != options.SepTokenId || after - start > options.WindowLength)
                {
                    throw new ArgumentException(
                        $"Documents must consist of windows of at most {options.WindowLength} tokens that begin with token {options.ClsTokenId} and end with token " +
                        $"{options.SepTokenId}, but tokens {start - begin} to {after - begin - 1} of document {document} do not. Frame them with TokenWindows.", nameof(ids));
                }
                starts.Add(start);
                counts.Add(after - start);
                windows[document]++;
                states[document] += NumChunks(after - start, options.ChunkLength);
                start = after;
            }
        }
        return new WindowBatch(ids, [.. starts], [.. counts], windows, states, options.ChunkLength);
    }

    /// <summary>
    /// Groups the windows by length, the longest first, so that little of a group is padding. Windows of equal length keep their order.
    /// </summary>
    /// <param name="maxTokens">The most tokens of a group with its padding, unless it has one window.</param>
    /// <param name="minTokens">A group of fewer tokens takes in windows of any length, since a small group costs as much as a larger one.</param>
    /// <param name="once">Whether only the first of equal windows is in a group. <see cref="ByDocument"/> gives its states to the others too.</param>
    public List<int[]> Groups(int maxTokens, int minTokens, bool once = false)
    {
        _firstEqual = once ? FirstEqualWindows() : null;
        int[] order =
        [
            .. Enumerable.Range(0, Count).Where(window => (_firstEqual?[window] ?? window) == window).OrderByDescending(window => _lengths[window]),
        ];
        var groups = new List<int[]>();
        int first = 0;
        for (int i = 1; i <= order.Length; i++)
        {
            long longest = _lengths[order[first]], tokens = longest * (i - first);
            bool ends = i == order.Length || tokens + longest > maxTokens || (tokens >= minTokens && 4L * _lengths[order[i]] < 3 * longest);
            if (!ends)
                continue;
            groups.Add(order[first..i]);
            first = i;
        }
        return groups;
    }

    /// <summary>The number of tokens of each window.</summary>
    public int[] Lengths => _lengths;

    /// <summary>Returns the number of tokens of some windows.</summary>
    public int[] LengthsOf(int[] windows) => Array.ConvertAll(windows, window => _lengths[window]);

    /// <summary>Returns the ids of some windows, [S, W], padded with the id 0, and the number of tokens of each.</summary>
    public (Tensor Ids, int[] Lengths) Tokens(int[] windows, Device device)
    {
        int[] lengths = LengthsOf(windows);
        int width = lengths.Max();
        long[] ids = new long[windows.Length * width];
        for (int i = 0; i < windows.Length; i++)
            Array.Copy(_ids, _starts[windows[i]], ids, i * width, lengths[i]);
        return (HostTensors.Create(ids, [windows.Length, width], device), lengths);
    }

    /// <summary>Returns the means of the chunks of some windows, one row per chunk, [states, D].</summary>
    /// <param name="features">[S, W, D]; padding holds 0.</param>
    /// <param name="lengths">The number of tokens of each window, special tokens included.</param>
    public Tensor ChunkMeans(Tensor features, int[] lengths)
    {
        using var scope = NewDisposeScope();
        int count = lengths.Length, content = (int)features.shape[1] - 2;
        int chunks = Math.Max(1, (content + ChunkLength - 1) / ChunkLength);
        double[] weights = new double[count * chunks * ChunkLength];
        var rows = new List<long>();
        for (int window = 0; window < count; window++)
        {
            for (int chunk = 0; chunk < NumChunks(lengths[window], ChunkLength); chunk++)
            {
                int size = Math.Min(ChunkLength, lengths[window] - 2 - (chunk * ChunkLength));
                int place = (window * chunks) + chunk;
                weights.AsSpan(place * ChunkLength, size).Fill(1.0 / size);
                rows.Add(place);
            }
        }
        // Without the first special token; the last one, and padding, have the weight 0.
        var body = features.narrow(1, 1, features.shape[1] - 1);
        long missing = ((long)chunks * ChunkLength) - body.shape[1];
        body = missing >= 0 ? nn.functional.pad(body, [0, 0, 0, missing]) : body.narrow(1, 0, (long)chunks * ChunkLength);
        var weighting = HostTensors.Create(weights, [count, chunks, ChunkLength, 1], ScalarType.Float64, features.device).to(features.dtype);
        var means = (body.reshape(count, chunks, ChunkLength, features.shape[2]) * weighting).sum(2).flatten(0, 1); // [S * C, D]
        return means.index_select(0, HostTensors.Create(rows.ToArray(), [rows.Count], features.device)).MoveToOuterDisposeScope();
    }

    /// <summary>Returns the number of tokens of each state, without special tokens, by document: [B, C], 0 at padding.</summary>
    public float[] StateSizes()
    {
        int longest = Math.Max(1, _states.Max()), window = 0;
        float[] sizes = new float[_states.Length * longest];
        for (int document = 0; document < _states.Length; document++)
        {
            for (int state = document * longest, end = window + _windows[document]; window < end; window++)
            {
                for (int left = _lengths[window] - 2; left > 0; left -= ChunkLength)
                    sizes[state++] = Math.Min(left, ChunkLength);
            }
        }
        return sizes;
    }

    /// <summary>Returns the states by document, [B, C, D], and the mask of the padding; null without padding.</summary>
    /// <param name="states">All states in the order of the groups, [states, D].</param>
    /// <param name="groups">The groups of the windows.</param>
    public (Tensor States, Tensor? Mask) ByDocument(Tensor states, List<int[]> groups)
    {
        using var scope = NewDisposeScope();
        int longest = Math.Max(1, _states.Max()), window = 0;
        int[] firstStates = new int[Count];
        int before = 0;
        foreach (int one in groups.SelectMany(group => group))
        {
            firstStates[one] = before;
            before += NumChunks(_lengths[one], ChunkLength);
        }
        long padding = states.shape[0];
        long[] rows = new long[_states.Length * longest];
        Array.Fill(rows, padding);
        bool[] isPadding = new bool[rows.Length];
        Array.Fill(isPadding, true);
        for (int document = 0; document < _states.Length; document++)
        {
            for (int state = document * longest, end = window + _windows[document]; window < end; window++)
            {
                for (int chunk = 0; chunk < NumChunks(_lengths[window], ChunkLength); chunk++, state++)
                {
                    rows[state] = firstStates[_firstEqual?[window] ?? window] + chunk;
                    isPadding[state] = false;
                }
            }
        }
        var table = isPadding.Contains(true) ? cat([states, zeros([1, states.shape[1]], states.dtype, states.device)], 0) : states;
        var byDocument = table.index_select(0, HostTensors.Create(rows, [rows.Length], states.device)).reshape(_states.Length, longest, states.shape[1]);
        var mask = isPadding.Contains(true) ? HostTensors.Create(isPadding, [_states.Length, longest], states.device) : null;
        return (byDocument.MoveToOuterDisposeScope(), mask?.MoveToOuterDisposeScope());
    }

    private int[] FirstEqualWindows()
    {
        var first = new Dictionary<ulong, List<int>>();
        int[] equal = new int[Count];
        for (int window = 0; window < equal.Length; window++)
        {
            var ids = IdsOf(window);
            ulong hash = (ulong)ids.Length;
            foreach (long id in ids)
                hash = DeterministicRandom.Mix(hash ^ (ulong)id);
            ref var candidates = ref CollectionsMarshal.GetValueRefOrAddDefault(first, hash, out _);
            candidates ??= [];
            equal[window] = window;
            foreach (int candidate in candidates)
            {
                if (IdsOf(candidate).SequenceEqual(ids))
                {
                    equal[window] = candidate;
                    break;
                }
            }
            if (equal[window] == window)
                candidates.Add(window);
        }
        return equal;
    }

    private ReadOnlySpan<long> IdsOf(int window) => _ids.AsSpan(_starts[window], _lengths[window]);

    private static int NumChunks(int windowLength, int chunkLength) => (windowLength - 2 + chunkLength - 1) / chunkLength;
}
