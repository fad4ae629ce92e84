namespace Maha.Layers.Data;

/// <summary>Specifies what happens to a document with more tokens than the limit.</summary>
public enum OverlongDocuments
{
    /// <summary>An <see cref="ArgumentException"/> is thrown.</summary>
    Throw,

    /// <summary>The first tokens are kept; the end is cut off.</summary>
    KeepStart,

    /// <summary>The last tokens are kept; the start is cut off.</summary>
    KeepEnd,

    /// <summary>Half of the tokens are kept at the start and half at the end (one more at the start where the limit is odd); the middle is cut out.</summary>
    KeepStartAndEnd,
}
