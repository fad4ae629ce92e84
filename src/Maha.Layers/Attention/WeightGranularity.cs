namespace Maha.Layers.Attention;

/// <summary>Who gets weights over the scales of its own.</summary>
public enum WeightGranularity
{
    /// <summary>Every token.</summary>
    Token,

    /// <summary>Every document: the utilities are means over its valid tokens.</summary>
    Document,

    /// <summary>Nobody: the utilities are learned and do not look at the input (redundancy still does).</summary>
    InputFree,
}
