using Maha.Layers.Core;

namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>The random numbers of one document: the same on every machine, and independent of how many documents are made.</summary>
internal sealed class TaskRandom
{
    private DeterministicRandom _random;

    /// <param name="seed">The seed of the command line.</param>
    /// <param name="file">The name of the file, so that every file has other documents.</param>
    /// <param name="index">The number of the document.</param>
    public TaskRandom(int seed, string file, int index)
    {
        ulong mixed = DeterministicRandom.Mix((ulong)seed);
        foreach (char c in file)
            mixed = DeterministicRandom.Mix(mixed ^ c);
        _random = new DeterministicRandom(DeterministicRandom.Mix(mixed ^ (ulong)index));
    }

    /// <summary>Returns a number from 0 to limit - 1.</summary>
    public int Next(int limit) => _random.Next(limit);

    /// <summary>Returns a number in [0, 1).</summary>
    public double NextDouble() => _random.NextDouble();

    /// <summary>Returns one of the items, each equally likely.</summary>
    public T Choose<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    /// <summary>Returns the items in random order.</summary>
    public T[] Shuffle<T>(IEnumerable<T> items)
    {
        T[] shuffled = [.. items];
        _random.Shuffle(shuffled.AsSpan());
        return shuffled;
    }
}
