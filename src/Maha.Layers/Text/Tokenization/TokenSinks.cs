using System.Buffers;

namespace Maha.Layers.Text;

/// <summary>Receives the ids of the words of a text. Structs implement it, so that the encoding loop is compiled for each of them.</summary>
internal interface ITokenSink
{
    /// <summary>Receives the id of a word that is one token. False stops the encoding.</summary>
    bool Add(int id);

    /// <summary>Receives the ids of a word. False stops the encoding.</summary>
    bool Add(ReadOnlySpan<int> ids);
}

/// <summary>Collects ids in a rented array that grows.</summary>
internal struct CollectingSink(int capacity) : ITokenSink, IDisposable
{
    private int[] _ids = ArrayPool<int>.Shared.Rent(capacity);

    internal int Count { get; private set; }

    internal readonly ReadOnlySpan<int> Ids => _ids.AsSpan(0, Count);

    public bool Add(int id)
    {
        if (Count == _ids.Length)
            Grow(1);

        _ids[Count++] = id;
        return true;
    }

    public bool Add(ReadOnlySpan<int> ids)
    {
        if (_ids.Length - Count < ids.Length)
            Grow(ids.Length);

        ids.CopyTo(_ids.AsSpan(Count));
        Count += ids.Length;
        return true;
    }

    public readonly void Dispose() => ArrayPool<int>.Shared.Return(_ids);

    private void Grow(int more)
    {
        long wanted = Math.Max(2L * _ids.Length, (long)Count + more);
        int[] larger = ArrayPool<int>.Shared.Rent((int)Math.Min(wanted, Array.MaxLength));
        Ids.CopyTo(larger);
        ArrayPool<int>.Shared.Return(_ids);
        _ids = larger;
    }
}

/// <summary>Collects ids up to a limit.</summary>
internal struct LimitedSink(int maxTokens, int capacity) : ITokenSink, IDisposable
{
    private CollectingSink _collected = new(capacity);

    /// <summary>The first id beyond the limit of the word that the limit cuts, or -1 if it cuts none.</summary>
    internal int NextInWord { get; private set; } = -1;

    internal readonly ReadOnlySpan<int> Ids => _collected.Ids;

    public bool Add(int id) => Add([id]);

    public bool Add(ReadOnlySpan<int> ids)
    {
        int room = maxTokens - _collected.Count;
        if (ids.Length > room)
        {
            NextInWord = ids[room];
            ids = ids[..room];
        }

        _collected.Add(ids);
        return _collected.Count < maxTokens;
    }

    public readonly void Dispose() => _collected.Dispose();
}

/// <summary>Counts ids.</summary>
internal struct CountingSink : ITokenSink
{
    internal int Count { get; private set; }

    public bool Add(int id)
    {
        Count = checked(Count + 1);
        return true;
    }

    public bool Add(ReadOnlySpan<int> ids)
    {
        Count = checked(Count + ids.Length);
        return true;
    }
}

/// <summary>Writes ids to a buffer writer.</summary>
internal struct WritingSink(IBufferWriter<int> writer) : ITokenSink
{
    internal int Count { get; private set; }

    public bool Add(int id) => Add([id]);

    public bool Add(ReadOnlySpan<int> ids)
    {
        writer.Write(ids);
        Count = checked(Count + ids.Length);
        return true;
    }
}
