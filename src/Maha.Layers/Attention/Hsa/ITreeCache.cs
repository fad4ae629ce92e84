namespace Maha.Layers.Attention;

// G batch times heads, K head dim

/// <summary>What a <see cref="TreeCache{T}"/> of any element type tells.</summary>
internal interface ITreeCache
{
    /// <summary>G.</summary>
    int Groups { get; }

    /// <summary>K.</summary>
    int HeadDim { get; }

    /// <summary>The number of tokens taken up.</summary>
    long Position { get; }

    /// <summary>The size of the places.</summary>
    long Bytes { get; }
}
