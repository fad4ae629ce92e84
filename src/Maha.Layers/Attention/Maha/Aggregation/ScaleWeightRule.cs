namespace Maha.Layers.Attention;

/// <summary>The rule by which the kernels of the aggregation get the weights of a token; the numbers are those of <c>scale_call.cuh</c>.</summary>
internal enum ScaleWeightRule
{
    /// <summary>Equal weights for all scales that the token has.</summary>
    Equal = 0,

    /// <summary>Given weights, the same for all tokens of a document.</summary>
    Given = 1,

    /// <summary>The solution of one simplex program per document.</summary>
    Document = 2,

    /// <summary>The solution of one simplex program per token.</summary>
    Token = 3,
}
