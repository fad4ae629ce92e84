using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class HierarchicalDecompositionTests
{
    private const int BatchSize = 3;
    private const int DModel = 5;
    private const int NumScales = 4;

    [Theory]
    [InlineData(DecompositionKind.StridedConvolution, 2)]
    [InlineData(DecompositionKind.StridedConvolution, 3)]
    [InlineData(DecompositionKind.AdaptiveMaxPool, 2)]
    [InlineData(DecompositionKind.AdaptiveMaxPool, 3)]
    public void Lengths_AreThoseOfScaleLengths(DecompositionKind kind, int ratio)
    {
        using var scope = NewDisposeScope();
        using var decomposition = TestTensors.Prepared(new HierarchicalDecomposition(DModel, NumScales, ratio, kind), seed: 1);
        foreach (int length in new[] { 1, 2, 3, 7, 16, 29 })
        {
            var scales = decomposition.call(TestTensors.Random(2, BatchSize, length, DModel));
            Assert.Equal(ScaleLengths.Compute(kind, length, NumScales, ratio), scales.Select(scale => scale.shape[1]));
            Assert.All(scales, scale => Assert.Equal((BatchSize, DModel), (scale.shape[0], scale.shape[2])));
        }
    }

    [Theory]
    [InlineData(13, 2)]
    [InlineData(11, 3)]
    [InlineData(2, 5)]
    public void Convolution_EqualsLoops(int length, int ratio)
    {
        using var scope = NewDisposeScope();
        using var decomposition = TestTensors.Prepared(new HierarchicalDecomposition(DModel, NumScales, ratio), seed: 3);
        var input = TestTensors.Random(4, BatchSize, length, DModel);
        var actual = decomposition.call(input);
        double[][][] expected = Rows.Of3(input);
        for (int scale = 1; scale < NumScales; scale++)
        {
            double[][][] weight = Rows.Of3(decomposition.get_parameter($"downsamplers.{scale - 1}.weight")!);
            double[] bias = Rows.Of1(decomposition.get_parameter($"downsamplers.{scale - 1}.bias")!);
            expected = [.. expected.Select(document => NaiveMaha.Convolution(document, weight, bias, ratio, 1, 1))];
            TestTensors.AssertClose(Rows.ToTensor(expected), actual[scale], Tolerances.SameFormula);
        }
    }

    [Theory]
    [InlineData(21, 2)]
    [InlineData(17, 3)]
    [InlineData(1, 2)]
    public void Pool_EqualsLoops(int length, int ratio)
    {
        using var scope = NewDisposeScope();
        using var decomposition = new HierarchicalDecomposition(DModel, NumScales, ratio, DecompositionKind.AdaptiveMaxPool);
        var input = TestTensors.Random(5, BatchSize, length, DModel);
        var actual = decomposition.call(input);
        double[][][] expected = Rows.Of3(input);
        for (int scale = 1; scale < NumScales; scale++)
        {
            expected = [.. expected.Select(document => NaiveMaha.MaxPool(document, Math.Max(1, document.Length / ratio)))];
            TestTensors.AssertClose(Rows.ToTensor(expected), actual[scale], 0);
        }
    }

    [Theory]
    [InlineData(7, 3)]
    [InlineData(41 * 3, 3)]
    [InlineData(4097, 2049)]
    [InlineData(5, 5)]
    public void Upsampling_TakesTheRowOfTheExactIndex(int length, int coarseLength)
    {
        using var scope = NewDisposeScope();
        foreach (var type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            var rows = arange(coarseLength, dtype: type).reshape(1, -1, 1);
            double[] actual = TestTensors.ToArray(NearestUpsampling.To(rows, length));
            Assert.Equal(Enumerable.Range(0, length).Select(i => (double)((long)i * coarseLength / length)), actual);
        }
    }

    [Fact]
    public void Gradients_EqualCentralDifferences()
    {
        using var scope = NewDisposeScope();
        using var decomposition = TestTensors.Prepared(new HierarchicalDecomposition(DModel, 3, 2), seed: 6);
        var input = TestTensors.Random(7, 2, 9, DModel);
        TestTensors.AssertGradients(
            () => decomposition.call(input).Select(scale => scale.square().sum()).Aggregate((a, b) => a + b),
            [("input", input), .. decomposition.named_parameters().Select(named => (named.name, (Tensor)named.parameter))]);
    }

    [Fact]
    public void EvenKernel_Throws()
    {
        var problem = Assert.Throws<ArgumentOutOfRangeException>(() => new HierarchicalDecomposition(DModel, 2, 2, kernelSize: 4));
        Assert.Contains("kernelSize must be odd and positive", problem.Message);
    }

    [Theory]
    [InlineData(DecompositionKind.StridedConvolution)]
    [InlineData(DecompositionKind.AdaptiveMaxPool)]
    public void WrongInput_Throws(DecompositionKind kind)
    {
        using var scope = NewDisposeScope();
        using var decomposition = new HierarchicalDecomposition(DModel, 2, 2, kind);
        Assert.Contains("has the shape [2, 3, 4]", Message(zeros(2, 3, 4)).Replace("but has [", "but has the shape ["));
        Assert.Contains("[2, 3]", Message(zeros(2, 3)));
        Assert.Contains("[2, 0, 5]", Message(zeros(2, 0, DModel)));
        Assert.Contains("Int64", Message(zeros([2, 3, DModel], ScalarType.Int64)));

        string Message(Tensor input) => Assert.ThrowsAny<ArgumentException>(() => decomposition.call(input)).Message;
    }

    [Fact]
    public void DisposedInput_Throws()
    {
        using var decomposition = new HierarchicalDecomposition(DModel, 2, 2);
        var input = zeros(1, 3, DModel);
        input.Dispose();
        Assert.Contains("has been disposed", Assert.Throws<ArgumentException>(() => decomposition.call(input)).Message);
    }
}
