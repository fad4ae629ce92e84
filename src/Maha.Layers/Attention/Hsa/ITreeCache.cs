namespace Maha.Layers.Attention;

// G batch times heads, K head dim

/// <summary>The size and position of a <see cref="TreeCache{T}"/> of any element type.</summary>
internal interface ITreeCache
{
    /// <summary>G.</summary>
    int Groups { get; }

    /// <summary>K.</summary>
    int HeadDim { get; }

    /// <summary>The number of tokens consumed.</summary>
    long Position { get; }

    /// <summary>The size in bytes.</summary>
    long Bytes { get; }
}
