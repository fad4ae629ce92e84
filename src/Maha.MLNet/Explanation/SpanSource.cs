namespace Maha.MLNet.Explanation;

/// <summary>The part of a classifier that a contribution comes from.</summary>
public enum SpanSource
{
    /// <summary>The linear models over n-grams. The contribution is exact.</summary>
    NGrams,

    /// <summary>The network. The contribution is the difference that leaving out the span makes.</summary>
    Network,

    /// <summary>The sum of both.</summary>
    Both,
}
