using Maha.Layers.Attention;
using Maha.Layers.Tests.Reference;
using Maha.Layers.Trees;
using Maha.TestData.Parity;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

public class HierarchicalAttentionTests
{
    private const int Problems = 30;

    public static TheoryData<bool, bool> MaskedAndSelf => new() { { false, true }, { true, true }, { false, false }, { true, false } };

    [Theory]
    [MemberData(nameof(MaskedAndSelf))]
    public void Recursion_IsTheOptimum_ByBruteForce(bool masked, bool self)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var problem = TreeProblem.Random(seed, masked);
            double[][] recursion = Recursion(problem, self).Theta;
            double[][] brute = BlockConstrainedProgram.Solve(problem.Root, problem.Logit, problem.Real, self);
            double worst = recursion.Zip(brute, (x, y) => x.Zip(y, (a, b) => Math.Abs(a - b)).Max()).Max();
            Assert.True(worst < 1e-6, $"seed {seed}: {worst:g3}");
        }
    }

    [Theory]
    [MemberData(nameof(MaskedAndSelf))]
    public void OptimalForm_IsTheRecursion(bool masked, bool self)
    {
        using var scope = NewDisposeScope();
        for (int seed = 0; seed < Problems; seed++)
        {
            var problem = TreeProblem.Random(seed, masked);
            var recursion = Recursion(problem, self);
            var theta = TreeProblem.Matrix(recursion.Theta);
            AssertClose(theta, problem.Theta(HierarchicalForm.Optimal, self), Tolerances.SameFormula);
            var output = theta.matmul(TreeProblem.Matrix(problem.Value));
            AssertClose(output, problem.Attend(HierarchicalForm.Optimal, self).Output[0], Tolerances.SameFormula);
            AssertClose(output, problem.Attend(HierarchicalForm.Optimal, self, ScalarType.Float32).Output[0], 1e-5);
            if (double.IsFinite(recursion.PhiRoot))
                Assert.Equal(recursion.PhiRoot, problem.Attend(HierarchicalForm.Optimal, self).LogPartition.item<double>(), 1e-11);
        }
    }

    [Theory]
    [InlineData("KeyTied", false, true)]
    [InlineData("KeyTied", true, false)]
    [InlineData("Causal", false, true)]
    [InlineData("Causal", true, false)]
    [InlineData("CausalOverlap", false, true)]
    [InlineData("CausalOverlap", true, false)]
    public void KeyTiedForms_AreTheRowsPartitions(string name, bool masked, bool self)
    {
        using var scope = NewDisposeScope();
        var form = Enum.Parse<HierarchicalForm>(name);
        for (int seed = 0; seed < Problems; seed++)
        {
            var problem = TreeProblem.Random(seed, masked);
            var theta = TreeProblem.Matrix(SlowKeyTied.Theta(problem, form, self));
            AssertClose(theta, problem.Theta(form, self), Tolerances.SameFormula);
            AssertClose(theta.matmul(TreeProblem.Matrix(problem.Value)), problem.Attend(form, self, ScalarType.Float32).Output[0], 1e-5);
        }
    }

    [Theory]
    [InlineData("Causal")]
    [InlineData("CausalOverlap")]
    public void CausalPartition_HoldsEveryEarlierTokenOnce(string name)
    {
        for (int seed = 0; seed < Problems; seed++)
        {
            var problem = TreeProblem.Random(seed, masked: false);
            for (int row = 0; row < problem.Length; row++)
            {
                var tokens = SlowKeyTied.Partition(problem, row, Enum.Parse<HierarchicalForm>(name), selfAttend: true)
                    .SelectMany(span => Enumerable.Range(span.Start, span.End - span.Start));
                Assert.Equal(Enumerable.Range(0, row + 1), tokens.Order());
            }
        }
    }

    [Fact]
    public void Rows_SumToOne_EvenAtExtremeLogits()
    {
        using var scope = NewDisposeScope();
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            foreach (double factor in new[] { 1.0, 1e4 })
            {
                var (q, k) = (Random(1, 2, 70, 4).to(ScalarType.Float32) * factor, Random(2, 2, 70, 4).to(ScalarType.Float32));
                q.requires_grad_(true);
                var identity = eye(70, dtype: ScalarType.Float32).unsqueeze(0).expand(2, -1, -1);
                var theta = HierarchicalAttention.Apply(q, k, identity, HierarchyLayout.Blocks(70, 4), new HierarchicalSettings(form, 0.5)).Output;
                Assert.True(Difference(ones([2, 70], ScalarType.Float64), theta.to(ScalarType.Float64).sum(-1)) <= 1e-6);
                (theta * Random(3, 2, 70, 70).to(ScalarType.Float32)).sum().backward();
                Assert.All(ToArray(q.grad!), gradient => Assert.True(double.IsFinite(gradient)));
            }
        }
    }

    [Theory]
    [MemberData(nameof(MaskedAndSelf))]
    public void DistanceToFlat_IsTheSumOfDivergences(bool masked, bool self)
    {
        using var scope = NewDisposeScope();
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            bool causal = form is HierarchicalForm.Causal or HierarchicalForm.CausalOverlap;
            for (int seed = 0; seed < 10; seed++)
            {
                var problem = TreeProblem.Random(seed, masked);
                double[] theta = ToArray(problem.Theta(form, self));
                double expected = 0;
                for (int i = 0; i < problem.Length; i++)
                {
                    int[] seen =
                        [.. Enumerable.Range(0, problem.Length).Where(j => problem.Real[i] && problem.Real[j] && (self || i != j) && (!causal || j <= i))];
                    double sum = seen.Sum(j => Math.Exp(problem.Logit(i, j)));
                    expected += seen.Sum(
                        j => theta[(i * problem.Length) + j] * Math.Log(theta[(i * problem.Length) + j] * sum / Math.Exp(problem.Logit(i, j))));
                }
                double actual = FlatDistance.Sum(problem.Operand(problem.Query), problem.Operand(problem.Key), problem.Layout,
                    new HierarchicalSettings(form, problem.Scale, self), problem.Ignored).item<double>();
                Assert.Equal(expected, actual, 1e-10);
                Assert.True(actual > -1e-10);
            }
        }
    }

    [Fact]
    public void Forms_AreOrderedByTheirDistance()
    {
        using var scope = NewDisposeScope();
        for (int seed = 0; seed < Problems; seed++)
        {
            var problem = TreeProblem.Random(seed, masked: false);
            Assert.True(Distance(HierarchicalForm.KeyTied) <= Distance(HierarchicalForm.Optimal) + 1e-10);
            Assert.True(Distance(HierarchicalForm.CausalOverlap) <= Distance(HierarchicalForm.Causal) + 1e-10);

            double Distance(HierarchicalForm form) =>
                FlatDistance.Sum(problem.Operand(problem.Query), problem.Operand(problem.Key), problem.Layout,
                    new HierarchicalSettings(form, problem.Scale)).item<double>();
        }
    }

    [Fact]
    public void Output_IsTheDerivativeOfPhi()
    {
        using var scope = NewDisposeScope();
        var problem = TreeProblem.Random(9, masked: true);
        var (q, k, v) = (problem.Operand(problem.Query), problem.Operand(problem.Key), problem.Operand(problem.Value));
        var epsilon = zeros_like(v);
        epsilon.requires_grad_(true);
        var result = HierarchicalAttention.Apply(cat([q * problem.Scale, epsilon], -1), cat([k, v], -1), v, problem.Layout,
            new HierarchicalSettings(HierarchicalForm.Optimal, 1), problem.Ignored);
        (result.LogPartition * -problem.Real.Count(token => token)).sum().backward();
        AssertClose(problem.Attend(HierarchicalForm.Optimal).Output, epsilon.grad!, Tolerances.SameFormula);
    }

    [Fact]
    public void OneFamily_IsFlatSoftmax()
    {
        using var scope = NewDisposeScope();
        var problem = TreeProblem.On(HierarchyNode.FromTokens(0, 11), 5);
        var (q, k, v) = (problem.Operand(problem.Query), problem.Operand(problem.Key), problem.Operand(problem.Value));
        var scores = q.matmul(k.transpose(1, 2)) * problem.Scale;
        var future = ones([11, 11], ScalarType.Float64).triu(1).to(ScalarType.Bool);
        foreach (var form in new[] { HierarchicalForm.Optimal, HierarchicalForm.KeyTied })
            AssertClose(scores.softmax(-1).matmul(v), problem.Attend(form).Output, Tolerances.SameFormula);
        foreach (var form in new[] { HierarchicalForm.Causal, HierarchicalForm.CausalOverlap })
            AssertClose(scores.masked_fill(future, double.NegativeInfinity).softmax(-1).matmul(v), problem.Attend(form).Output, Tolerances.SameFormula);
    }

    [Fact]
    public void EqualTokensInABlock_MakeFlatSoftmax()
    {
        using var scope = NewDisposeScope();
        var problem =
            TreeProblem.On(new HierarchyNode(0, 9, [HierarchyNode.FromTokens(0, 2), HierarchyNode.FromTokens(2, 6), HierarchyNode.FromTokens(6, 9)]), 6);
        int[] first = [0, 0, 2, 2, 2, 2, 6, 6, 6];
        for (int token = 0; token < 9; token++)
            (problem.Query[token], problem.Key[token]) = (problem.Query[first[token]], problem.Key[first[token]]);
        var flat = (problem.Operand(problem.Query).matmul(problem.Operand(problem.Key).transpose(1, 2)) * problem.Scale).softmax(-1)[0];
        AssertClose(flat, problem.Theta(HierarchicalForm.Optimal), Tolerances.SameFormula);
        Assert.Equal(0, FlatDistance.Sum(problem.Operand(problem.Query), problem.Operand(problem.Key), problem.Layout,
            new HierarchicalSettings(HierarchicalForm.Optimal, problem.Scale)).item<double>(), 1e-11);
    }

    [Fact]
    public void ConstantKeys_GiveUniformWeights()
    {
        using var scope = NewDisposeScope();
        var problem = TreeProblem.Random(18, masked: false);
        Array.Fill(problem.Key, problem.Key[0]);
        AssertClose(full([problem.Length, problem.Length], 1.0 / problem.Length, ScalarType.Float64),
            problem.Theta(HierarchicalForm.Optimal), Tolerances.SameFormula);
        AssertClose(full([problem.Length, problem.Length], 1.0 / problem.Length, ScalarType.Float64),
            problem.Theta(HierarchicalForm.KeyTied), Tolerances.SameFormula);
    }

    [Fact]
    public void ChainsOfSingleChildren_DoNotChangeTheResult()
    {
        using var scope = NewDisposeScope();
        for (int seed = 0; seed < 10; seed++)
        {
            var problem = TreeProblem.Random(seed, masked: true);
            var chained = HierarchyLayout.Packed([TokenHierarchy.FromTree(Chained(problem.Root))]);
            foreach (var form in Enum.GetValues<HierarchicalForm>().Where(form => form != HierarchicalForm.CausalOverlap))
                AssertClose(problem.Theta(form), problem.Theta(form, layout: chained), Tolerances.SameFormula);
        }

        static HierarchyNode Chained(HierarchyNode node)
            => new(node.Start, node.End, [new HierarchyNode(node.Start, node.End, [.. node.Children.Select(Chained)])]);
    }

    [Fact]
    public void RegularAndPackedForms_Agree()
    {
        using var scope = NewDisposeScope();
        foreach (int length in new[] { 1, 2, 5, 9, 16, 27, 33 })
        {
            var (q, k, v) = (Random(1, 2, length, 4), Random(2, 2, length, 4), Random(3, 2, length, 3));
            var ignored = Random(4, 2, length).gt(0.8);
            var trees = HierarchyLayout.Packed([TokenHierarchy.Blocks(length, 3)]);
            foreach (var form in Enum.GetValues<HierarchicalForm>())
            {
                foreach (bool self in new[] { true, false })
                {
                    var settings = new HierarchicalSettings(form, 0.5, self);
                    AssertClose(HierarchicalAttention.Apply(q, k, v, trees, settings, ignored).Output,
                        HierarchicalAttention.Apply(q, k, v, HierarchyLayout.Blocks(length, 3), settings, ignored).Output, Tolerances.SameFormula);
                }
            }
        }
    }

    [Fact]
    public void EmptyPadding_DoesNotChangeTheResult()
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Random(1, 2, 13, 4), Random(2, 2, 13, 4), Random(3, 2, 13, 3));
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            var settings = new HierarchicalSettings(form, 0.5);
            var expected = HierarchicalAttention.Apply(q, k, v, HierarchyLayout.Blocks(13, 3), settings).Output;
            foreach (int more in new[] { 1, 2, 14, 70 })
            {
                var ignored = arange(13 + more).ge(13).unsqueeze(0);
                var output = HierarchicalAttention.Apply(Padded(q, more), Padded(k, more), Padded(v, more),
                    HierarchyLayout.Blocks(13 + more, 3), settings, ignored).Output;
                AssertClose(expected, output.narrow(1, 0, 13), Tolerances.SameFormula);
                Assert.All(ToArray(output.narrow(1, 13, more)), value => Assert.Equal(0, value));
            }
        }

        // The content of padding is arbitrary.
        static Tensor Padded(Tensor rows, int more) => cat([rows, full([2, more, rows.shape[2]], double.NaN, ScalarType.Float64)], 1);
    }

    [Fact]
    public void PaddedDocuments_AndPackedOnes_Agree()
    {
        using var scope = NewDisposeScope();
        // Route 1: sentences of at most 3 tokens, paragraphs of at most 2 sentences, documents of at most 2 paragraphs, padded to [3, 2, 2].
        var tree = TokenHierarchy.FromEnds(7, [2, 5, 6], [5]); // (2 3) (1 1)
        int[] places = [0, 1, 3, 4, 5, 6, 9];
        var (q, k, v) = (Random(1, 1, 7, 4), Random(2, 1, 7, 4), Random(3, 1, 7, 3));
        var ignored = tensor([.. Enumerable.Range(0, 12).Select(place => !places.Contains(place))], [1, 12]);
        foreach (var form in new[] { HierarchicalForm.Optimal, HierarchicalForm.KeyTied, HierarchicalForm.Causal })
        {
            var settings = new HierarchicalSettings(form, 0.5);
            var packed = HierarchicalAttention.Apply(q, k, v, HierarchyLayout.Packed([tree]), settings).Output;
            var padded = HierarchicalAttention.Apply(Spread(q), Spread(k), Spread(v), HierarchyLayout.Regular(12, [3, 2, 2]), settings, ignored).Output;
            AssertClose(packed, padded.index_select(1, tensor(places.Select(place => (long)place).ToArray())), Tolerances.SameFormula);
        }

        Tensor Spread(Tensor rows)
        {
            var spread = zeros([1, 12, rows.shape[2]], ScalarType.Float64);
            for (int token = 0; token < places.Length; token++)
                spread[0, places[token]] = rows[0, token];
            return spread;
        }
    }

    [Fact]
    public void PackedDocuments_DoNotAttendToEachOther()
    {
        using var scope = NewDisposeScope();
        var problems = Enumerable.Range(3, 4).Select(seed => TreeProblem.Random(seed, masked: false)).ToArray();
        var layout = HierarchyLayout.Packed([.. problems.Select(problem => TokenHierarchy.FromTree(problem.Root))]);
        var (q, k, v) = (Joined(problem => problem.Query), Joined(problem => problem.Key), Joined(problem => problem.Value));
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            var output = HierarchicalAttention.Apply(q, k, v, layout, new HierarchicalSettings(form, problems[0].Scale)).Output;
            AssertClose(cat([.. problems.Select(problem => problem.Attend(form).Output)], 1), output, Tolerances.SameFormula);
        }

        Tensor Joined(Func<TreeProblem, double[][]> rows) => cat([.. problems.Select(problem => problem.Operand(rows(problem)))], 1);
    }

    [Theory]
    [InlineData("Causal")]
    [InlineData("CausalOverlap")]
    public void LaterTokens_DoNotChangeEarlierOutputs_BitForBit(string name)
    {
        using var scope = NewDisposeScope();
        const int length = 21;
        var settings = new HierarchicalSettings(Enum.Parse<HierarchicalForm>(name), 0.5);
        Tensor[] operands = [Random(1, 2, length, 4), Random(2, 2, length, 4), Random(3, 2, length, 3)];
        foreach (var layout in new[] { HierarchyLayout.Blocks(length, 3),
            HierarchyLayout.Packed([TokenHierarchy.FromEnds(length, [3, 4, 9, 15, 17], [4, 15])]) })
        {
            var output = HierarchicalAttention.Apply(operands[0], operands[1], operands[2], layout, settings).Output;
            for (int from = 1; from < length; from++)
            {
                var changed = operands.Select((rows, i) => cat([rows.narrow(1, 0, from), Random(7 + i, 2, length - from, rows.shape[2]) * 9], 1)).ToArray();
                var other = HierarchicalAttention.Apply(changed[0], changed[1], changed[2], layout, settings).Output;
                Assert.Equal(ToArray(output.narrow(1, 0, from)), ToArray(other.narrow(1, 0, from)));

                var inputs = operands.Select(rows => rows.clone().requires_grad_(true)).ToArray();
                HierarchicalAttention.Apply(inputs[0], inputs[1], inputs[2], layout, settings).Output.narrow(1, 0, from).sum().backward();
                foreach (var input in inputs)
                    Assert.All(ToArray(input.grad!.narrow(1, from, length - from)), gradient => Assert.Equal(0, gradient));
            }
        }
    }

    [Theory]
    [MemberData(nameof(MaskedAndSelf))]
    public void Gradients_AreTheDerivatives(bool masked, bool self)
    {
        using var scope = NewDisposeScope();
        // 3, 4 and 5 are all children of one node
        var ignored = masked ? tensor([.. Enumerable.Range(0, 11).Select(i => i is 3 or 4 or 5 or 10)], [1, 11]) : null;
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            foreach (var layout in new[] { HierarchyLayout.Blocks(11, 3), HierarchyLayout.Packed([TokenHierarchy.FromEnds(11, [3, 6, 7, 10], [6, 10])]) })
            {
                var (q, k, v, upstream) = (Random(1, 2, 11, 4), Random(2, 2, 11, 4), Random(3, 2, 11, 3), Random(4, 2, 11, 3));
                AssertGradients(
                    () => (HierarchicalAttention.Apply(q, k, v, layout, new HierarchicalSettings(form, 0.5, self), ignored).Output * upstream).sum(),
                    [("query", q), ("key", k), ("value", v)], probes: 4);
            }
        }
    }

    [Fact]
    public void HalfPrecision_KeepsSumsInFloat32()
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = [.. Enumerable.Range(1, 3).Select(seed => Random(seed, 2, 70, 8).to(ScalarType.BFloat16))];
        Tensor[] precise = [.. halves.Select(rows => rows.to(ScalarType.Float64))];
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            var settings = new HierarchicalSettings(form, 0.35);
            var expected = HierarchicalAttention.Apply(precise[0], precise[1], precise[2], HierarchyLayout.Blocks(70, 4), settings);
            var actual = HierarchicalAttention.Apply(halves[0], halves[1], halves[2], HierarchyLayout.Blocks(70, 4), settings);
            Assert.Equal(ScalarType.BFloat16, actual.Output.dtype);
            Assert.Equal(ScalarType.Float32, actual.LogPartition.dtype);
            AssertClose(expected.Output, actual.Output, 0.03); // eight bits of fraction
        }
    }

    [Fact]
    public void TokenWithoutVisibleTokens_GivesZero()
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = (Random(1, 2, 4, 4), Random(2, 2, 4, 4), Random(3, 2, 4, 3));
        var alone = tensor(new[] { true, false, true, true }, [1, 4]);
        foreach (var form in Enum.GetValues<HierarchicalForm>())
        {
            var settings = new HierarchicalSettings(form, 0.5, SelfAttend: false);
            var output = HierarchicalAttention.Apply(q, k, v, HierarchyLayout.Blocks(4, 2), settings, alone).Output;
            Assert.All(ToArray(output), value => Assert.Equal(0, value));
        }
        var first = HierarchicalAttention.Apply(q, k, v, HierarchyLayout.Blocks(4, 2),
            new HierarchicalSettings(HierarchicalForm.Causal, 0.5, SelfAttend: false)).Output;
        Assert.All(ToArray(first.narrow(1, 0, 1)), value => Assert.Equal(0, value));
        AssertClose(v.narrow(1, 0, 1), first.narrow(1, 1, 1), Tolerances.SameFormula);
    }

    private static TreeRecursion Recursion(TreeProblem problem, bool self) =>
        TreeRecursion.Solve(problem.Root, problem.Query, problem.Key, problem.Real, problem.Scale, self, causal: false);
}
