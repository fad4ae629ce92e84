using System.Numerics;
using System.Runtime.CompilerServices;
using Maha.Layers.Kernels;

namespace Maha.Layers.Attention;

// G batch times heads, K head dim, b branching

/// <summary>The keys and values of a causal tree's open nodes, and the attention of the next token to them, in float32 or float64.</summary>
/// <remarks>
/// Every level has b places for the children of its open family, and with overlap b more for those of the family before. A step reads the places that are seen,
/// O(b log N) of them, and allocates memory only if the tree grows by a level.
/// </remarks>
internal sealed unsafe class TreeCache<T>(int groups, int headDim, int branching, bool overlap) : ITreeCache
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly List<T[]> _keys = []; // per level [G, places, K]
    private readonly List<T[]> _values = [];
    private readonly List<bool[]> _seen = []; // per level and place
    private readonly List<int> _counts = []; // nodes of the open family of each level
    private readonly List<int> _halves = []; // with overlap: which half of a level's places holds the open family
    private readonly int _places = overlap ? 2 * branching : branching;
    private T[] _logits = [];

    /// <inheritdoc/>
    public int Groups => groups;

    /// <inheritdoc/>
    public int HeadDim => headDim;

    /// <inheritdoc/>
    public long Position { get; private set; }

    /// <inheritdoc/>
    public long Bytes => (long)_keys.Count * _places * ((2L * groups * headDim) + 1) * sizeof(T);

    /// <summary>Appends one token and computes its attention to itself and the tokens before it: query, key, value and output are [G, K].</summary>
    public void Step(T* query, T* key, T* value, T scale, T* output)
    {
        Append(0, key, value);
        for (int group = 0; group < groups; group++)
            Attend(group, query + ((long)group * headDim), scale, output + ((long)group * headDim));
        Advance();
    }

    /// <summary>Appends one token without computing its attention.</summary>
    public void Append(T* key, T* value)
    {
        Append(0, key, value);
        Advance();
    }

    private void Advance()
    {
        Position++;
        for (int level = 0; _counts[level] == branching; level++)
            Close(level);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Attend(int group, T* query, T scale, T* output)
    {
        var largest = T.NegativeInfinity;
        int count = 0;
        for (int level = 0; level < _keys.Count; level++)
        {
            // A node is the mean of b^level tokens.
            var bias = T.CreateTruncating(level * Math.Log(branching));
            fixed (T* keys = &_keys[level][group * _places * headDim])
            {
                for (int place = 0; place < _places; place++)
                {
                    if (!_seen[level][place])
                        continue;
                    var logit = (scale * RowMath.Dot(query, keys + (place * headDim), headDim)) + bias;
                    largest = T.Max(largest, logit);
                    _logits[count++] = logit;
                }
            }
        }

        var total = T.Zero;
        count = 0;
        RowMath.Clear(output, headDim);
        for (int level = 0; level < _keys.Count; level++)
        {
            fixed (T* values = &_values[level][group * _places * headDim])
            {
                for (int place = 0; place < _places; place++)
                {
                    if (!_seen[level][place])
                        continue;
                    var weight = T.Exp(_logits[count++] - largest);
                    total += weight;
                    RowMath.AddScaled(weight, values + (place * headDim), output, headDim);
                }
            }
        }

        RowMath.Scale(T.One / total, output, output, headDim);
    }

    // Writes a node into the next place of its level.
    private void Append(int level, T* key, T* value)
    {
        if (level == _keys.Count)
            Grow();
        int place = First(level) + _counts[level]++;
        for (int group = 0; group < groups; group++)
        {
            int row = Row(group, place);
            new ReadOnlySpan<T>(key + ((long)group * headDim), headDim).CopyTo(_keys[level].AsSpan(row));
            new ReadOnlySpan<T>(value + ((long)group * headDim), headDim).CopyTo(_values[level].AsSpan(row));
        }

        _seen[level][place] |= level == 0 || !overlap;
    }

    // The open family becomes one node of the level above, the mean of its children.
    private void Close(int level)
    {
        var means = KernelScratch.Get<T>(2L * groups * headDim);
        var valueMeans = means + ((long)groups * headDim);
        int first = First(level);
        for (int group = 0; group < groups; group++)
        {
            Mean(_keys[level].AsSpan(Row(group, first)), means + ((long)group * headDim));
            Mean(_values[level].AsSpan(Row(group, first)), valueMeans + ((long)group * headDim));
        }

        Append(level + 1, means, valueMeans);
        if (overlap)
            ShowBefore(level + 1);
        _counts[level] = 0;
        _halves[level] = overlap ? 1 - _halves[level] : 0;
        _seen[level].AsSpan(First(level), branching).Clear();
    }

    private void Mean(ReadOnlySpan<T> rows, T* mean)
    {
        var share = T.One / T.CreateTruncating(branching);
        RowMath.Clear(mean, headDim);
        fixed (T* first = rows)
        {
            for (int i = 0; i < branching; i++)
                RowMath.AddScaled(share, first + (i * headDim), mean, headDim);
        }
    }

    // With overlap the newest node of a level is seen as its children, and from now on the node before it is seen itself.
    private void ShowBefore(int level)
    {
        int count = _counts[level], place = count >= 2 ? First(level) + count - 2 : ((1 - _halves[level]) * branching) + branching - 1;
        if (count >= 2 || Position > (long)Math.Pow(branching, level))
            _seen[level][place] = true;
    }

    // The first place of a level's open family.
    private int First(int level) => _halves[level] * branching;

    private int Row(int group, int place) => ((group * _places) + place) * headDim;

    // Adds an empty level.
    private void Grow()
    {
        _counts.Add(0);
        _halves.Add(0);
        _keys.Add(new T[groups * _places * headDim]);
        _values.Add(new T[groups * _places * headDim]);
        _seen.Add(new bool[_places]);
        _logits = new T[_keys.Count * _places];
    }
}
