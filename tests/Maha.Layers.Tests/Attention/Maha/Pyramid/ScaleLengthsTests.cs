using Maha.Layers.Attention;


namespace Maha.Layers.Tests.Attention;

public class ScaleLengthsTests
{
    [Theory]
    [InlineData(DecompositionKind.StridedConvolution, 13, 4, 2, new long[] { 13, 7, 4, 2 })]
    [InlineData(DecompositionKind.StridedConvolution, 17, 3, 3, new long[] { 17, 6, 2 })]
    [InlineData(DecompositionKind.AdaptiveMaxPool, 21, 4, 2, new long[] { 21, 10, 5, 2 })]
    [InlineData(DecompositionKind.AdaptiveMaxPool, 1, 3, 2, new long[] { 1, 1, 1 })]
    [InlineData(DecompositionKind.StridedConvolution, 1, 3, 5, new long[] { 1, 1, 1 })]
    public void Lengths_FollowTheFormula(DecompositionKind kind, long length, int numScales, int ratio, long[] expected)
        => Assert.Equal(expected, ScaleLengths.Compute(kind, length, numScales, ratio));

    [Fact]
    public void LengthBelowOne_Throws()
    {
        var problem = Assert.Throws<ArgumentOutOfRangeException>(() => ScaleLengths.Compute(DecompositionKind.AdaptiveMaxPool, 0, 2, 2));
        Assert.Contains("sequenceLength must lie in [1,", problem.Message);
    }

    [Fact]
    public void UnknownKind_Throws()
        => Assert.Throws<ArgumentOutOfRangeException>(() => ScaleLengths.Compute((DecompositionKind)7, 5, 2, 2));
}
