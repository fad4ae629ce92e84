using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.TestData;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

/// <summary>No Scalar of the library is freed while native code reads it.</summary>
[Collection(AloneCollection.Name)]
public sealed class KeptScalarsTests
{
    [Fact]
    public void NoCall_MakesAScalarThatNothingKeeps() => Assert.Empty(UnsafeScalarCalls.In("Maha.Layers.dll", exceptType: nameof(KeptScalars)));

    [Theory]
    [InlineData(nameof(Planted.Product), "op_Multiply")]
    [InlineData(nameof(Planted.Sum), "op_Addition")]
    [InlineData(nameof(Planted.Filled), "op_Implicit")]
    [InlineData(nameof(Planted.Number), "ToDouble")]
    [InlineData(nameof(Planted.Optimizer), "AdamW")]
    public void UnsafeCall_IsFound(string method, string member)
        => Assert.Contains(UnsafeScalarCalls.In("Maha.Layers.Tests.dll"),
            call => call.Contains($"::{method}(", StringComparison.Ordinal) && call.Contains(member, StringComparison.Ordinal));

    [Fact]
    public void Operators_EqualThoseOfTorchSharp()
    {
        using var scope = NewDisposeScope();
        var x = TestTensors.Random(1, [3, 4]);
        var y = TestTensors.Random(2, [3, 4]);
        var n = arange(5);
        (Tensor Expected, Tensor Actual)[] pairs =
        [
            (x + y, KeptScalars.Add(x, y)), (x + 2.5, KeptScalars.Add(x, 2.5)), (n + 3L, KeptScalars.Add(n, 3L)), (n + 3, KeptScalars.Add(n, 3)),
            (2.5 + x, KeptScalars.Add(2.5, x)), (3 + n, KeptScalars.Add(3, n)),
            (x - 2.5, KeptScalars.Subtract(x, 2.5)), (n - 3, KeptScalars.Subtract(n, 3)), (n - 3L, KeptScalars.Subtract(n, 3L)),
            (2.5 - x, KeptScalars.Subtract(2.5, x)), (3 - n, KeptScalars.Subtract(3, n)),
            (x * 2.5, KeptScalars.Multiply(x, 2.5)), (n * 3, KeptScalars.Multiply(n, 3)), (n * 3L, KeptScalars.Multiply(n, 3L)),
            (2.5 * x, KeptScalars.Multiply(2.5, x)),
            (x / 2.5, KeptScalars.Divide(x, 2.5)), (n / 3, KeptScalars.Divide(n, 3)), (n / 3L, KeptScalars.Divide(n, 3L)),
            (x.square(), KeptScalars.Square(x)), (x.clone().add_(y), KeptScalars.AddInPlace(x.clone(), y)),
            (x.clone().add_(2.5), KeptScalars.AddInPlace(x.clone(), KeptScalars.From(2.5))),
            (arange(7), KeptScalars.Range(KeptScalars.From(7), null, null, false)),
            (arange(2.0, 7.0), KeptScalars.Range(KeptScalars.From(2.0), KeptScalars.From(7.0), null, null, false)),
        ];
        Assert.All(pairs, pair =>
        {
            Assert.Equal(pair.Expected.dtype, pair.Actual.dtype);
            Assert.True(pair.Expected.Equals(pair.Actual), $"{pair.Expected} and {pair.Actual}");
        });
        Assert.Equal(x[0, 0].item<double>(), KeptScalars.ToDouble(x[0, 0]));
        Assert.Equal(4, KeptScalars.ToInt64(n.max()));
    }

    [Fact]
    public void Steps_AreThoseOfTorchSharpsAdamW()
    {
        using var scope = NewDisposeScope();
        var (expected, actual) = (new Parameter(TestTensors.Random(1, [3, 4])), new Parameter(TestTensors.Random(1, [3, 4])));
        using var theirs = optim.AdamW([new AdamW.ParamGroup([expected], lr: 0.01, weight_decay: 0.1)]);
        using var ours = new ScalarKeepingAdamW([new AdamW.ParamGroup([actual], lr: 0.01, weight_decay: 0.1)], 0.01);
        for (int step = 0; step < 5; step++)
        {
            expected.grad = TestTensors.Random(10 + step, [3, 4]);
            actual.grad = TestTensors.Random(10 + step, [3, 4]);
            theirs.step();
            ours.step();
            Assert.True(expected.Equals(actual));
        }
    }

    [Fact]
    public void Numbers_AreRight_WhileGarbageIsCollected()
    {
        using var zero = zeros(64);
        using var collections = new ForcedCollections();
        for (int i = 0; i < 20_000; i++)
        {
            double value = 1 + (i % 1000);
            using var sum = KeptScalars.Add(zero, value);
            Assert.Equal(value, sum.data<float>()[0]);
        }
    }

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Hsa)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    public void Training_Repeats_WhileGarbageIsCollected(AttentionKind attention)
    {
        double[] calm = Losses(attention);
        using var collections = new ForcedCollections();
        Assert.Equal(calm, Losses(attention));
    }

    private static double[] Losses(AttentionKind attention)
    {
        manual_seed(1);
        using var model = new MahaTokenModel(new MahaTransformerOptions
        {
            VocabSize = 11,
            MaxSequenceLength = 32,
            DModel = 8,
            NumHeads = 2,
            NumLayers = 2,
            FeedForwardDim = 16,
            Dropout = 0,
        }.With(attention: attention, window: 4));
        using var optimizer = new ScalarKeepingAdamW([new AdamW.ParamGroup(model.parameters(), lr: 0.01)], 0.01);
        using var ids = TestTensors.RandomIds(2, 11, 2, 32);
        return [.. Enumerable.Range(0, 15).Select(_ =>
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var loss = nn.functional.cross_entropy(model.call(ids, null).Logits.reshape(-1, 11), ids.reshape(-1));
            loss.backward();
            optimizer.step();
            return (double)loss.item<float>();
        })];
    }

    // This assembly is not rewritten.
    private static class Planted
    {
        public static Tensor Product(Tensor x) => x * 2.0;

        public static Tensor Sum(Tensor x, Tensor y) => x + y;

        public static Tensor Filled(Tensor x, Tensor mask) => x.masked_fill(mask, 1.0);

        public static double Number(Tensor x) => x.ToDouble();

        public static AdamW Optimizer(IEnumerable<Parameter> parameters) => optim.AdamW(parameters);
    }
}
