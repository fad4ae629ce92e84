using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Maha.Layers.Text;

/// <summary>
/// A cache of encoded words with a fixed number of slots, shared by all threads without locks. An entry is one immutable array,
/// published by one reference write, so a reader sees a complete entry or none. A word has two slots: a new word takes the
/// first and moves the entry there to the second, so that one rare word can't evict a frequent word that was just used.
/// </summary>
/// <remarks>
/// At most <see cref="NumSlots"/> entries of at most 64 characters and their ids: about 5 MB for natural text, 32 MB if every
/// word has the greatest length and no merges.
/// </remarks>
internal sealed class WordCache
{
    internal const int NumSlots = 1 << 15;

    // An entry is [hash, word length, word (two characters per int), ids].
    private const int HeaderLength = 2;

    private readonly int[]?[] _slots = new int[NumSlots][];

    /// <summary>Returns the ids of a word, or an empty span if it isn't cached.</summary>
    internal ReadOnlySpan<int> Find(ReadOnlySpan<char> word, int hash)
    {
        int first = hash & NumSlots - 1;
        int[]? entry = Volatile.Read(ref _slots[first]);
        if (entry is not null && Matches(entry, word, hash))
            return Ids(entry, word.Length);

        int[]? second = Volatile.Read(ref _slots[first ^ 1]);
        if (second is null || !Matches(second, word, hash))
            return default;

        Volatile.Write(ref _slots[first ^ 1], entry);
        Volatile.Write(ref _slots[first], second);
        return Ids(second, word.Length);
    }

    /// <summary>Adds a word that <see cref="Find"/> didn't find.</summary>
    internal void Add(ReadOnlySpan<char> word, int hash, ReadOnlySpan<int> ids)
    {
        int idsStart = HeaderLength + (word.Length + 1) / 2;
        int[] entry = new int[idsStart + ids.Length];
        entry[0] = hash;
        entry[1] = word.Length;
        word.CopyTo(MemoryMarshal.Cast<int, char>(entry.AsSpan(HeaderLength)));
        ids.CopyTo(entry.AsSpan(idsStart));

        int first = hash & NumSlots - 1;
        Volatile.Write(ref _slots[first ^ 1], Volatile.Read(ref _slots[first]));
        Volatile.Write(ref _slots[first], entry);
    }

    /// <summary>Returns a hash of the word's characters. Collisions cost only time.</summary>
    internal static int Hash(ReadOnlySpan<char> word)
    {
        ulong hash = (ulong)word.Length * 0x9E3779B97F4A7C15;
        ref byte bytes = ref Unsafe.As<char, byte>(ref MemoryMarshal.GetReference(word));
        if (word.Length >= 4)
        {
            // Four characters at a time. The last four may overlap earlier ones, so that nothing after the word is read.
            int last = word.Length - 4;
            for (int i = 0; i < last; i += 4)
                hash = Mix(hash, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, 2 * i)));

            hash = Mix(hash, Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref bytes, 2 * last)));
        }
        else
        {
            hash = Mix(hash, (ulong)word[0] | (ulong)word[word.Length / 2] << 16 | (ulong)word[^1] << 32);
        }

        return (int)hash;
    }

    // The low bits of a product don't depend on the high bits of its factors, but the high bits depend on all: the shift combines them.
    private static ulong Mix(ulong hash, ulong value)
    {
        hash = (hash ^ value) * 0xFF51AFD7ED558CCD;
        return hash ^ hash >> 32;
    }

    private static bool Matches(int[] entry, ReadOnlySpan<char> word, int hash) =>
        entry[0] == hash && entry[1] == word.Length
            && MemoryMarshal.Cast<int, char>(entry.AsSpan(HeaderLength))[..word.Length].SequenceEqual(word);

    private static ReadOnlySpan<int> Ids(int[] entry, int wordLength) => entry.AsSpan(HeaderLength + (wordLength + 1) / 2);
}
