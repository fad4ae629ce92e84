namespace Maha.Layers.Attention;

/// <summary>The unit that has its own weights over the scales.</summary>
public enum WeightGranularity
{
    /// <summary>Every token has its own weights.</summary>
    Token,

    /// <summary>Every document has its own weights; the utilities are means over its valid tokens.</summary>
    Document,

    /// <summary>The utilities are learned and do not depend on the input; the redundancy still does.</summary>
    InputFree,
}
