using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Maha.Layers.Text;

/// <summary>
/// The quick way for the most frequent words: up to 15 ASCII letters, a space before them included, that are one token.
/// The word's end and its key come from 16 characters at once, without a loop, and its token from a table that is never
/// written after construction.
/// </summary>
/// <remarks>
/// Only a quicker way to the same ids: what it finds is what <see cref="WordScanner"/> and <see cref="WordEncoder"/> give,
/// and it finds nothing where a word might go on beyond ASCII letters.
/// </remarks>
internal sealed class SingleTokenWords
{
    private const int Width = 16;

    private static readonly SearchValues<byte> s_asciiLetters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private readonly Entry[] _entries;
    private readonly int _shift;

    internal SingleTokenWords(BpeVocabulary vocabulary, WordEncoder encoder)
    {
        var words = new List<Entry>();
        Span<char> text = stackalloc char[Width];
        Span<int> ids = stackalloc int[WordScanner.MaxWordBytes];
        Span<byte> key = stackalloc byte[Width];
        for (int id = vocabulary.FirstByteId; id < vocabulary.VocabSize; id++)
        {
            var bytes = vocabulary.BytesOf(id);
            if (bytes.Length >= Width || !IsWord(bytes))
            {
                continue;
            }

            for (int i = 0; i < bytes.Length; i++)
            {
                text[i] = (char)bytes[i];
            }

            // In a file not made by training, earlier merges may cut the very bytes of a token apart.
            if (encoder.Encode(text[..bytes.Length], ids) == 1)
            {
                key.Clear();
                bytes.CopyTo(key);
                words.Add(new Entry(MemoryMarshal.Read<ulong>(key), MemoryMarshal.Read<ulong>(key[8..]), id));
            }
        }

        int log2 = 4;
        while (1 << log2 < 2 * words.Count)
        {
            log2++;
        }

        _shift = 64 - log2;
        _entries = new Entry[1 << log2];
        foreach (var word in words)
        {
            int slot = Slot(word.Low, word.High);
            while (_entries[slot].Low != 0)
            {
                slot = slot + 1 & _entries.Length - 1;
            }

            _entries[slot] = word;
        }
    }

    /// <summary>Finds the word at <paramref name="start"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">Where a word starts.</param>
    /// <param name="end">The end of the word, or 0 when the word is not of ASCII letters or not known to end here.</param>
    /// <returns>Its token's id, or -1 when it is not one token or <paramref name="end"/> is 0.</returns>
    internal int Find(ReadOnlySpan<char> text, int start, out int end)
    {
        end = 0;
        if (text.Length - start < Width)
        {
            return -1;
        }

        ref ushort first = ref Unsafe.As<char, ushort>(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), start));
        var bytes = Vector128.NarrowWithSaturation(
            Vector128.LoadUnsafe(ref first), Vector128.LoadUnsafe(ref first, (nuint)Vector128<ushort>.Count));
        var letters = Vector128.LessThanOrEqual(
            (bytes | Vector128.Create((byte)0x20)) - Vector128.Create((byte)'a'), Vector128.Create((byte)('z' - 'a')));
        uint isLetter = letters.ExtractMostSignificantBits();
        uint isSpace = text[start] == ' ' ? 1u : 0u;
        int length = BitOperations.TrailingZeroCount(~(isLetter | isSpace));
        if (length <= (int)isSpace || length >= Width || text[start + length] >= 0x80)
        {
            return -1;
        }

        end = start + length;
        var key = (bytes & Vector128.LessThan(Vector128<byte>.Indices, Vector128.Create((byte)length))).AsUInt64();
        ulong low = key.ToScalar();
        ulong high = key.GetElement(1);
        for (int slot = Slot(low, high); ; slot = slot + 1 & _entries.Length - 1)
        {
            ref readonly var entry = ref _entries[slot];
            if (entry.Low == low && entry.High == high)
            {
                return entry.Id;
            }

            if (entry.Low == 0)
            {
                return -1;
            }
        }
    }

    private static bool IsWord(ReadOnlySpan<byte> bytes)
    {
        var letters = bytes[0] == ' ' ? bytes[1..] : bytes;
        return letters.Length > 0 && !letters.ContainsAnyExcept(s_asciiLetters);
    }

    private int Slot(ulong low, ulong high)
    {
        ulong mixed = (low ^ BitOperations.RotateLeft(high, 31) * 0x9E3779B97F4A7C15) * 0xFF51AFD7ED558CCD;
        return (int)(mixed >> _shift);
    }

    /// <summary>The bytes of a word, padded with zeros (Low is 0 in a free slot only: a word has no NUL), and its token.</summary>
    private readonly record struct Entry(ulong Low, ulong High, int Id);
}
