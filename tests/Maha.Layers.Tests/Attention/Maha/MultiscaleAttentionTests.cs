using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Attention;

public class MultiscaleAttentionTests
{
    private const int BatchSize = 2;
    private const int DModel = 12;
    private const int NumHeads = 3;

    [Theory]
    [InlineData(13, 3, 2)]
    [InlineData(7, 2, 3)]
    [InlineData(1, 3, 2)]
    public void Output_EqualsLoops(int length, int numScales, int ratio)
    {
        using var scope = NewDisposeScope();
        using var decomposition = TestTensors.Prepared(new HierarchicalDecomposition(DModel, numScales, ratio), seed: 1);
        using var attention = TestTensors.Prepared(new MultiscaleAttention(DModel, NumHeads, numScales), seed: 2);
        var scales = decomposition.call(TestTensors.Random(3, BatchSize, length, DModel));
        var actual = attention.call(scales, decomposition);

        for (int document = 0; document < BatchSize; document++)
        {
            double[][] values = Project("v_proj", Rows.Of2(scales[0][document]));
            for (int scale = 0; scale < numScales; scale++)
            {
                if (scale > 0)
                {
                    values = NaiveMaha.Convolution(values, Rows.Of3(decomposition.get_parameter($"downsamplers.{scale - 1}.weight")!),
                        Rows.Of1(decomposition.get_parameter($"downsamplers.{scale - 1}.bias")!), ratio, 1, 1);
                }
                double[][] tokens = Rows.Of2(scales[scale][document]);
                double[][] expected = NaiveMaha.Attention(Project($"q_projs.{scale}", tokens), Project($"k_projs.{scale}", tokens), values, NumHeads);
                TestTensors.AssertClose(Rows.ToTensor(expected), actual[scale][document], Tolerances.SameFormula);
            }
        }

        double[][] Project(string name, double[][] rows)
            => NaiveMaha.Linear(rows, Rows.Of2(attention.get_parameter(name + ".weight")!), Rows.Of1(attention.get_parameter(name + ".bias")!));
    }

    [Fact]
    public void OneScale_EqualsScaledDotProductAttention()
    {
        using var scope = NewDisposeScope();
        using var decomposition = new HierarchicalDecomposition(DModel, 1, 2);
        using var attention = TestTensors.Prepared(new MultiscaleAttention(DModel, NumHeads, 1), seed: 4);
        var input = TestTensors.Random(5, BatchSize, 9, DModel);
        var expected = functional.scaled_dot_product_attention(Heads("q_projs.0"), Heads("k_projs.0"), Heads("v_proj"));
        TestTensors.AssertClose(expected.transpose(1, 2).reshape(BatchSize, 9, DModel), attention.call([input], decomposition)[0], Tolerances.SameFormula);

        Tensor Heads(string name) => functional.linear(input, attention.get_parameter(name + ".weight")!, attention.get_parameter(name + ".bias")!)
            .reshape(BatchSize, 9, NumHeads, DModel / NumHeads).transpose(1, 2);
    }

    [Fact]
    public void ConstantTokens_ReturnTheirValue()
    {
        using var scope = NewDisposeScope();
        using var decomposition = new HierarchicalDecomposition(DModel, 1, 2);
        using var attention = TestTensors.Prepared(new MultiscaleAttention(DModel, NumHeads, 1), seed: 6);
        var token = TestTensors.Random(7, 1, 1, DModel);
        var value = functional.linear(token, attention.get_parameter("v_proj.weight")!, attention.get_parameter("v_proj.bias")!);
        TestTensors.AssertClose(value.expand(1, 8, DModel), attention.call([token.expand(1, 8, DModel)], decomposition)[0], Tolerances.SameFormula);
    }

    [Fact]
    public void WidthNotDivisibleByHeads_Throws()
    {
        var problem = Assert.Throws<ArgumentException>(() => new MultiscaleAttention(770, 12, 2));
        Assert.Contains("dModel must be divisible by numHeads, but 770 % 12 = 2.", problem.Message);
    }

    [Fact]
    public void ScalesOfAnotherDecomposition_Throw()
    {
        using var scope = NewDisposeScope();
        using var decomposition = new HierarchicalDecomposition(DModel, 2, 2);
        using var attention = new MultiscaleAttention(DModel, NumHeads, 2);
        var fine = zeros(1, 9, DModel);
        Assert.Contains("must have 2 scales", Refuse(fine));
        Assert.Contains("scale 1 must be 5 tokens long", Refuse(fine, zeros(1, 4, DModel)));
        Assert.Contains("one batch size", Refuse(fine, zeros(2, 5, DModel)));
        Assert.Contains("Float32", Refuse(fine, zeros([1, 5, DModel], ScalarType.Float64)));

        string Refuse(params Tensor[] scales) => Assert.ThrowsAny<ArgumentException>(() => attention.call(scales, decomposition)).Message;
    }
}
