namespace Maha.Layers.Data;

/// <summary>What happens to a document with more tokens than the limit.</summary>
public enum OverlongDocuments
{
    /// <summary>An exception names the document.</summary>
    Throw,

    /// <summary>The first tokens are kept, the end is cut off.</summary>
    KeepStart,

    /// <summary>The last tokens are kept, the start is cut off.</summary>
    KeepEnd,

    /// <summary>Half of the tokens are kept at the start (the larger half where the limit is odd) and half at the end; the middle is cut out.</summary>
    KeepStartAndEnd,
}
