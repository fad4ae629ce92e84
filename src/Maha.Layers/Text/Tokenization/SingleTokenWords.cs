using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Maha.Layers.Text;

/// <summary>
/// A fast path for the most frequent words: those of up to 15 ASCII letters, including a space before them, that are one token.
/// The end of the word and its key are computed from 16 characters at once, without a loop, and its token comes from a table
/// that is read-only after construction.
/// </summary>
/// <remarks>
/// The ids are those of <see cref="WordScanner"/> and <see cref="WordEncoder"/>. Nothing is found if a word might continue after
/// its ASCII letters.
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
                continue;

            for (int i = 0; i < bytes.Length; i++)
                text[i] = (char)bytes[i];

            // In a file that training did not make, earlier merges may split the bytes of a token.
            if (encoder.Encode(text[..bytes.Length], ids) == 1)
            {
                key.Clear();
                bytes.CopyTo(key);
                words.Add(new Entry(MemoryMarshal.Read<ulong>(key), MemoryMarshal.Read<ulong>(key[8..]), id));
            }
        }

        int log2 = 4;
        while (1 << log2 < 2 * words.Count)
            log2++;

        _shift = 64 - log2;
        _entries = new Entry[1 << log2];
        foreach (var word in words)
        {
            int slot = Slot(word.Low, word.High);
            while (_entries[slot].Low != 0)
                slot = slot + 1 & _entries.Length - 1;

            _entries[slot] = word;
        }
    }

    /// <summary>Finds the word that starts at <paramref name="start"/>.</summary>
    /// <param name="text">The text.</param>
    /// <param name="start">The start of a word.</param>
    /// <param name="end">The end of the word, or 0 if it has other characters than ASCII letters or its end is not known.</param>
    /// <returns>The id of the word's token, or -1 if it is not one token or <paramref name="end"/> is 0.</returns>
    internal int Find(ReadOnlySpan<char> text, int start, out int end)
    {
        end = 0;
        if (text.Length - start < Width)
            return -1;

        ref ushort first = ref Unsafe.As<char, ushort>(ref Unsafe.Add(ref MemoryMarshal.GetReference(text), start));
        var bytes = Vector128.NarrowWithSaturation(
            Vector128.LoadUnsafe(ref first), Vector128.LoadUnsafe(ref first, (nuint)Vector128<ushort>.Count));
        var letters = Vector128.LessThanOrEqual(
            (bytes | Vector128.Create((byte)0x20)) - Vector128.Create((byte)'a'), Vector128.Create((byte)('z' - 'a')));
        uint isLetter = letters.ExtractMostSignificantBits();
        uint isSpace = text[start] == ' ' ? 1u : 0u;
        int length = BitOperations.TrailingZeroCount(~(isLetter | isSpace));
        if (length <= (int)isSpace || length >= Width || text[start + length] >= 0x80)
            return -1;

        end = start + length;
        var key = (bytes & Vector128.LessThan(Vector128<byte>.Indices, Vector128.Create((byte)length))).AsUInt64();
        ulong low = key.ToScalar();
        ulong high = key.GetElement(1);
        for (int slot = Slot(low, high); ; slot = slot + 1 & _entries.Length - 1)
        {
            ref readonly var entry = ref _entries[slot];
            if (entry.Low == low && entry.High == high)
                return entry.Id;

            if (entry.Low == 0)
                return -1;
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

    /// <summary>The bytes of a word, padded with zeros, and its token. Low is 0 only in a free slot, since a word has no NUL.</summary>
    private readonly record struct Entry(ulong Low, ulong High, int Id);
}
