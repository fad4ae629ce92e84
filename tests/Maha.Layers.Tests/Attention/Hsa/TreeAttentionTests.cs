using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using Maha.Layers.Trees;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>The float32 kernels against the tensor operators in float64.</summary>
public class TreeAttentionTests
{
    // Roundings of 6e-8 in sums of some hundred products of numbers near 1.
    private const double Tolerance = 1e-5;

    [Theory]
    [InlineData("Optimal", 12, 3)]
    [InlineData("Optimal", 64, 2)]
    [InlineData("KeyTied", 12, 3)]
    [InlineData("Causal", 12, 3)]
    [InlineData("Causal", 64, 2)]
    [InlineData("CausalOverlap", 12, 3)]
    public void Blocks_EqualTheFallback_InValuesAndGradients(string name, int width, int heads)
    {
        foreach (var (length, branching) in new[] { (1, 2), (2, 2), (7, 2), (16, 16), (17, 16), (100, 3), (300, 16), (130, 40) })
        {
            int[] lengths = [length, Math.Max(0, length - 5), 1];
            Compare(length, width, (q, k, v) => TreeAttention.Blocks(q, k, v, heads, branching, Form(name), lengths),
                (q, k, v) => TreeAttention.FallbackBlocks(q, k, v, heads, branching, Form(name), lengths));
        }
    }

    [Theory]
    [InlineData("Optimal")]
    [InlineData("KeyTied")]
    [InlineData("Causal")]
    [InlineData("CausalOverlap")]
    public void Documents_EqualTheFallback_InValuesAndGradients(string name)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            int[] lengths = [40, 1 + random.Next(40), 0];
            TokenHierarchy?[] trees = [.. lengths.Select(length => length == 0 ? null : TokenHierarchy.FromTree(TreeProblem.RandomTree(random, 0, length, 4)))];
            Compare(40, 20, (q, k, v) => TreeAttention.Documents(q, k, v, 2, trees, Form(name), lengths),
                (q, k, v) => TreeAttention.FallbackDocuments(q, k, v, 2, trees, Form(name), lengths));
        }
    }

    [Fact]
    public void OperandsInOneTensor_GiveTheSameAsThree()
    {
        const int heads = 2, length = 40, width = 12;
        int[] lengths = [length, 17, 0];
        TokenHierarchy?[] trees = [.. lengths.Select(n => n == 0 ? null : TokenHierarchy.FromTree(TreeProblem.RandomTree(new Random(n), 0, n, 4)))];
        Compare(length, width, (q, k, v) => TreeAttention.Blocks(Pack(q, k, v), heads, 4, HierarchicalForm.Optimal, lengths),
            (q, k, v) => TreeAttention.FallbackBlocks(q, k, v, heads, 4, HierarchicalForm.Optimal, lengths));
        Compare(length, width, (q, k, v) => TreeAttention.Documents(Pack(q, k, v), heads, trees, HierarchicalForm.Causal, lengths),
            (q, k, v) => TreeAttention.FallbackDocuments(q, k, v, heads, trees, HierarchicalForm.Causal, lengths));

        static TreeOperands Pack(Tensor q, Tensor k, Tensor v)
        {
            var packed = new TreeOperands(cat([q, k, v], 2));
            Assert.True(packed is { IsPacked: true, Width: width });
            return packed;
        }
    }

    [Theory]
    [InlineData("Optimal")]
    [InlineData("KeyTied")]
    [InlineData("Causal")]
    [InlineData("CausalOverlap")]
    public void ExtremeLogits_GiveFiniteResults(string name)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Random(1, 1, 90, 16).to(ScalarType.Float32) * 1e4, Random(2, 1, 90, 16).to(ScalarType.Float32), ones([1, 90, 16]));
        q.requires_grad_(true);
        var output = TreeAttention.Blocks(q, k, v, 1, 4, Form(name), [90]);
        AssertClose(v, output, 1e-6); // rows sum to 1
        (output * Random(3, 1, 90, 16).to(ScalarType.Float32)).sum().backward();
        Assert.All(ToArray(q.grad!), gradient => Assert.True(double.IsFinite(gradient)));
    }

    [Theory]
    [InlineData("Causal")]
    [InlineData("CausalOverlap")]
    public void LaterTokens_DoNotChangeEarlierOutputs_BitForBit(string name)
    {
        using var scope = NewDisposeScope();
        const int length = 75;
        Tensor[] operands = [.. Enumerable.Range(1, 3).Select(seed => Random(seed, 1, length, 16).to(ScalarType.Float32))];
        var output = Attend(operands);
        for (int from = 1; from < length; from += 4)
        {
            var changed =
                operands.Select((rows, i) => cat([rows.narrow(1, 0, from), (Random(7 + i, 1, length - from, 16) * 9).to(ScalarType.Float32)], 1)).ToArray();
            Assert.Equal(ToArray(output.narrow(1, 0, from)), ToArray(Attend(changed).narrow(1, 0, from)));
            var inputs = operands.Select(rows => rows.clone().requires_grad_(true)).ToArray();
            Attend(inputs).narrow(1, 0, from).sum().backward();
            foreach (var input in inputs)
                Assert.All(ToArray(input.grad!.narrow(1, from, length - from)), gradient => Assert.Equal(0, gradient));
        }

        Tensor Attend(Tensor[] rows) => TreeAttention.Blocks(rows[0], rows[1], rows[2], 2, 4, Form(name), [length]);
    }

    [Fact]
    public void OtherDocuments_ChangeNothing_BitForBit()
    {
        using var scope = NewDisposeScope();
        Tensor[] rows = [.. Enumerable.Range(1, 3).Select(seed => Random(seed, 2, 50, 16).to(ScalarType.Float32))];
        var together = TreeAttention.Blocks(rows[0], rows[1], rows[2], 2, 4, HierarchicalForm.Optimal, [50, 30]);
        var apart = TreeAttention.Blocks(First(rows[0]), First(rows[1]), First(rows[2]), 2, 4, HierarchicalForm.Optimal, [50]);
        Assert.Equal(ToArray(First(together)), ToArray(apart));

        static Tensor First(Tensor batch) => batch.narrow(0, 0, 1);
    }

    private static HierarchicalForm Form(string name) => Enum.Parse<HierarchicalForm>(name);

    private static void Compare(int length, int width, Func<Tensor, Tensor, Tensor, Tensor> kernel, Func<Tensor, Tensor, Tensor, Tensor> fallback)
    {
        using var scope = NewDisposeScope();
        Tensor[] precise = [.. Enumerable.Range(1, 3).Select(seed => Random(seed + length, 3, length, width).requires_grad_(true))];
        Tensor[] single = [.. precise.Select(rows => rows.detach().to(ScalarType.Float32).requires_grad_(true))];
        var upstream = Random(9, 3, length, width);
        var (expected, actual) = (fallback(precise[0], precise[1], precise[2]), kernel(single[0], single[1], single[2]));
        AssertClose(expected, actual, Tolerance);
        (expected * upstream).sum().backward();
        (actual * upstream.to(ScalarType.Float32)).sum().backward();
        for (int i = 0; i < 3; i++)
            AssertClose(precise[i].grad!, single[i].grad!, Tolerance);
    }
}
