using Microsoft.ML.Runtime;
using Microsoft.ML.Transforms.Text;

namespace Microsoft.ML.Text;

/// <summary>
/// The n-grams (with skips) of token sequences, numbered in the order they first occur. Token 0 is a missing token.
/// </summary>
internal sealed class NgramDictionary
{
    public const int MaxSkipNgramLength = 10;

    private readonly int _tokenBits;
    private readonly int _length;
    private readonly int _skips;
    private readonly int[] _limits;
    private readonly int[] _counts;
    private readonly KeyTable[] _slots;

    // Numbers of the prefixes of n-grams that don't fit into 64 bits, by length.
    private readonly KeyTable[] _prefixes;
    private readonly List<uint> _tokens = [];
    private readonly List<byte> _lengths = [];
    private readonly uint[] _ngram;

    /// <param name="tokenBits">16 or 32: what a token fits into.</param>
    public NgramDictionary(int tokenBits, int length, int skips, int[] limits)
    {
        _tokenBits = tokenBits;
        _length = length;
        _skips = skips;
        _limits = limits;
        _counts = new int[length];
        _slots = Enumerable.Range(0, length).Select(_ => new KeyTable()).ToArray();
        _prefixes = Enumerable.Range(0, length).Select(_ => new KeyTable()).ToArray();
        _ngram = new uint[length];
    }

    public int Count => _lengths.Count;

    /// <summary>The largest number of n-grams kept, by length; 0 where <c>UseAllLengths</c> is off.</summary>
    public static int[] Limits(WordBagEstimator.Options options)
    {
        int length = options.NgramLength;
        int[] counts = options.MaximumNgramsCount ?? [];
        if (length == 1 && options.SkipLength != 0)
            throw Contracts.ExceptUserArg(nameof(options.SkipLength), $"skipLength (actual value: {options.SkipLength}) can only be zero when ngramLength set to one.");
        Contracts.CheckUserArg(length > 0 && options.SkipLength >= 0, nameof(options.NgramLength), $"ngramLength must be positive and skipLength not negative, but they are {length} and {options.SkipLength}.");
        Contracts.CheckUserArg(length + options.SkipLength <= MaxSkipNgramLength, nameof(options.SkipLength),
            $"The sum of skipLength and ngramLength must be less than or equal to {MaxSkipNgramLength}");
        if (!options.UseAllLengths)
        {
            Contracts.CheckUserArg(counts.Length <= 1 && counts.All(c => c > 0), nameof(options.MaximumNgramsCount), "Without all lengths there is one maximum count, which must be positive.");
            var only = new int[length];
            only[^1] = counts.Length == 0 ? NgramExtractingEstimator.DefaultMaximumCount : counts[0];
            return only;
        }

        Contracts.CheckUserArg(counts.Length <= length && counts.All(c => c >= 0) && (counts.Length == 0 || counts[^1] > 0), nameof(options.MaximumNgramsCount),
            $"There may be at most one maximum count per n-gram length ({length}), none negative and the last one positive.");
        return Enumerable.Range(0, length).Select(i => counts.Length == 0 ? NgramExtractingEstimator.DefaultMaximumCount : counts[Math.Min(i, counts.Length - 1)]).ToArray();
    }

    /// <summary>Calls <paramref name="found"/> with the number of each n-gram occurrence; new ones are added if <paramref name="add"/>.</summary>
    public void Visit(ReadOnlySpan<uint> tokens, uint[] scratch, bool add, NgramCounter found)
    {
        int window = _length + _skips;
        for (int start = 0; start < tokens.Length; start++)
        {
            var rest = tokens.Slice(start, Math.Min(window, tokens.Length - start));
            scratch[0] = rest[0];
            ulong code = rest[0];
            Count1(code, 1, scratch, add, found);
            if (_skips == 0)
                Extend(rest, code, scratch, add, found);
            else
                ExtendWithSkips(rest, code, 1, 0, scratch, add, found);
        }
    }

    /// <summary>The tokens of an n-gram.</summary>
    public ReadOnlySpan<uint> Tokens(int slot, ref int position)
    {
        var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tokens);
        var tokens = all.Slice(position, _lengths[slot]);
        position += tokens.Length;
        return tokens;
    }

    // *** Binary format ***
    // int: number of n-grams; per n-gram byte: its length, then its tokens as int
    public void Save(BinaryWriter writer)
    {
        writer.Write(Count);
        for (int slot = 0, position = 0; slot < Count; slot++)
        {
            writer.Write(_lengths[slot]);
            foreach (uint token in Tokens(slot, ref position))
                writer.Write(token);
        }
    }

    public void Load(BinaryReader reader)
    {
        int count = reader.ReadInt32();
        for (int slot = 0; slot < count; slot++)
        {
            int length = reader.ReadByte();
            Contracts.CheckDecode(length >= 1 && length <= _length, $"An n-gram may have 1 to {_length} tokens, but n-gram {slot} has {length}. The model file is damaged.");
            ulong code = 0;
            for (int i = 0; i < length; i++)
            {
                _ngram[i] = reader.ReadUInt32();
                code = Combine(code, i, _ngram[i], add: true, out _);
            }

            Contracts.CheckDecode(AddSlot(code, length, _ngram) == slot, $"N-gram {slot} occurs twice. The model file is damaged.");
        }
    }

    private void Extend(ReadOnlySpan<uint> rest, ulong code, uint[] scratch, bool add, NgramCounter found)
    {
        for (int i = 1; i < rest.Length; i++)
        {
            scratch[i] = rest[i];
            code = Combine(code, i, rest[i], add, out bool known);
            if (!known)
                return;
            Count1(code, i + 1, scratch, add, found);
        }
    }

    // Depth first: the next token of the n-gram is one of those still within reach of the skips left.
    private void ExtendWithSkips(ReadOnlySpan<uint> rest, ulong prefix, int length, int skipped, uint[] scratch, bool add, NgramCounter found)
    {
        for (int skip = skipped; skip <= _skips && skip + length < rest.Length; skip++)
        {
            scratch[length] = rest[skip + length];
            ulong code = Combine(prefix, length, scratch[length], add, out bool known);
            if (!known)
                continue;
            Count1(code, length + 1, scratch, add, found);
            if (length + 1 < _length)
                ExtendWithSkips(rest, code, length + 1, skip, scratch, add, found);
        }
    }

    private void Count1(ulong code, int length, uint[] ngram, bool add, NgramCounter found)
    {
        if (_limits[length - 1] == 0)
            return;
        int slot = add && _counts[length - 1] < _limits[length - 1] ? AddSlot(code, length, ngram) : _slots[length - 1].Find(code);
        if (slot >= 0)
            found.Add(slot);
    }

    private int AddSlot(ulong code, int length, uint[] ngram)
    {
        int slot = _slots[length - 1].FindOrAdd(code, Count);
        if (slot == Count)
        {
            _counts[length - 1]++;
            _lengths.Add((byte)length);
            _tokens.AddRange(ngram.AsSpan(0, length));
        }

        return slot;
    }

    // The code of an n-gram from that of its first tokens: the tokens themselves as long as they fit, else the number of the prefix.
    private ulong Combine(ulong prefix, int prefixLength, uint token, bool add, out bool known)
    {
        known = true;
        if ((prefixLength + 1) * _tokenBits <= 64)
            return prefix << _tokenBits | token;
        int number = add ? _prefixes[prefixLength - 1].FindOrAdd(prefix, _prefixes[prefixLength - 1].Count) : _prefixes[prefixLength - 1].Find(prefix);
        known = number >= 0;
        return (ulong)(uint)number << 32 | token;
    }
}

/// <summary>Counts how often each n-gram occurs in one row.</summary>
internal sealed class NgramCounter
{
    private int[] _counts = new int[1024];
    private readonly List<int> _slots = [];

    public void Add(int slot)
    {
        if (slot >= _counts.Length)
            Array.Resize(ref _counts, Math.Max(slot + 1, 2 * _counts.Length));
        if (_counts[slot]++ == 0)
            _slots.Add(slot);
    }

    /// <summary>The n-grams that occur, in ascending order.</summary>
    public ReadOnlySpan<int> Slots()
    {
        _slots.Sort();
        return System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_slots);
    }

    public int Count(int slot) => _counts[slot];

    public void Clear()
    {
        foreach (int slot in _slots)
            _counts[slot] = 0;
        _slots.Clear();
    }
}
