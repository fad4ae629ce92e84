using System.Text.RegularExpressions;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Blocks;

/// <summary>MahaBlock equals the plain block of the documentation, and the documentation shows the code that is tested here.</summary>
public sealed partial class PlainBlockTests
{
    private const int D = 6;
    private const int H = 2;

    public static TheoryData<string> Batches => ["1", "2", "7", "23", "49", "1,2,3", "31,8,17", "64,63,1"];

    [Theory]
    [MemberData(nameof(Batches))]
    public void MahaBlock_EqualsThePlainBlock(string batch)
    {
        foreach (var (window, ratio, numScales) in new[] { (2, 2, 5), (3, 2, 3), (3, 3, 3), (4, 4, 2), (5, 2, 1), (64, 2, 2) })
        {
            foreach (var (rho, tau, floor, residual) in new[] { (0.5, 1.0, 0.1, false), (0, 0.3, 0, false), (20, 0.1, 0.3, false), (0.5, 1.0, 0.1, true) })
            {
                using var scope = NewDisposeScope();
                var options = Options(new MahaOptions
                {
                    Window = window,
                    CompressionRatio = ratio,
                    NumScales = numScales,
                    LocalResidual = residual,
                    Aggregation = new ConvexOptions { RedundancyPrice = rho, Temperature = tau, WeightFloor = floor },
                });
                using var block = TestTensors.Prepared(new MahaBlock(options), seed: 3, scale: 0.8);
                AssertEqual(block, new PlainMahaBlock(block.state_dict(), H, window, ratio, numScales, rho, tau, floor, residual).Forward, batch);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Batches))]
    public void HsaBlock_EqualsThePlainBlock(string batch)
    {
        foreach (int branching in new[] { 2, 3, 5, 16, 64 })
        {
            using var scope = NewDisposeScope();
            using var block = TestTensors.Prepared(new MahaBlock(Options(new HsaOptions { Branching = branching })), seed: 5, scale: 0.8);
            AssertEqual(block, new PlainHsaBlock(block.state_dict(), H, branching).Forward, batch);
        }
    }

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Hsa)]
    public void Float32Kernels_AreNearThePlainBlock(AttentionKind attention)
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        int[] lengths = [61, 17, 40];
        var options = Options(attention == AttentionKind.Maha ? new MahaOptions { Window = 4, NumScales = 4 } : new HsaOptions { Branching = 4 });
        using var block = TestTensors.Prepared(new MahaBlock(options), seed: 9);
        var x = TestTensors.Random(10, 3, 64, D);
        var weights = block.state_dict().ToDictionary(item => item.Key, item => item.Value.clone());
        var expected = attention == AttentionKind.Maha
            ? new PlainMahaBlock(weights, H, window: 4, ratio: 2, numScales: 4, rho: 0.5, tau: 1, f: 0.1).Forward(x, lengths)
            : new PlainHsaBlock(weights, H, branching: 4).Forward(x, lengths);
        block.to(ScalarType.Float32);
        var context = new MixingContext { KeyPaddingMask = TokenMasks.Invalid(lengths, 64, CPU) };
        TestTensors.AssertClose(expected, block.call(x.to(ScalarType.Float32), context).Output, Tolerances.VectorsFloat32);
    }

    [Theory]
    [InlineData("PlainMahaBlock.cs", "maha-block.md")]
    [InlineData("PlainHsaBlock.cs", "hsa-block.md")]
    public void Documentation_ShowsTheFileAsItIs(string file, string page)
    {
        string program = File.ReadAllText(Path.Combine(Repository.Root, "tests", "Maha.Layers.Tests", "Reference", file)).ReplaceLineEndings("\n").Trim();
        string text = File.ReadAllText(Path.Combine(Repository.Root, "docs", page)).ReplaceLineEndings("\n");

        // The page divides the file at empty lines and explains each part.
        string shown = string.Join("\n\n", CodeBlock().Matches(text).Select(match => match.Groups[1].Value));
        Assert.Equal(program, shown);
    }

    private static MahaBlockOptions Options(AttentionOptions attention) => new()
    {
        Attention = attention,
        DModel = D,
        NumHeads = H,
        FeedForwardDim = 10,
        MaxSequenceLength = 64,
    };

    private static void AssertEqual(MahaBlock block, Func<Tensor, int[], Tensor> plain, string batch)
    {
        int[] lengths = [.. batch.Split(',').Select(int.Parse)];
        int longest = lengths.Max() + (lengths.Length > 1 ? 3 : 0);
        var context = new MixingContext { KeyPaddingMask = TokenMasks.Invalid(lengths, longest, CPU) };
        var upstream = TestTensors.Random(8, lengths.Length, longest, D);
        var (expected, expectedGradients) = Run(x => plain(x, lengths));
        var (actual, actualGradients) = Run(x => block.call(x, context).Output);
        TestTensors.AssertClose(expected, actual, Tolerances.SameFormula);
        foreach (var (name, gradient) in expectedGradients)
        {
            double difference = TestTensors.Difference(gradient, actualGradients[name]);
            Assert.True(difference <= Tolerances.SameFormula, $"gradient of {name}: largest relative difference {difference:g3}");
        }

        (Tensor Output, Dictionary<string, Tensor> Gradients) Run(Func<Tensor, Tensor> forward)
        {
            block.zero_grad();
            var x = TestTensors.Random(7, lengths.Length, longest, D).requires_grad_();
            var output = forward(x);
            (output * upstream).sum().backward();
            var gradients = block.named_parameters().ToDictionary(item => item.name, item => item.parameter.grad?.clone() ?? zeros_like(item.parameter));
            gradients["input"] = x.grad!;
            return (output, gradients);
        }
    }

    [GeneratedRegex(@"```csharp\n(.*?)\n```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();
}
