using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class LayerTests
{
    // B batch, C channels in, E channels out, N length, K kernel, G groups: all differ.
    private const int B = 2, C = 6, E = 4, N = 11, K = 3, G = 2;

    public LayerTests() => manual_seed(1);

    private static Tensor Random(params long[] shape) => randn(shape, dtype: ScalarType.Float64);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Linear_IsTheProductPlusBias(bool hasBias)
    {
        using var layer = Linear(C, E, hasBias, dtype: ScalarType.Float64);
        Tensor x = Random(B, C);
        double[] input = Numbers.Of(x), weight = Numbers.Of(layer.weight), bias = hasBias ? Numbers.Of(layer.bias) : new double[E];
        var expected = new double[B * E];
        for (int b = 0; b < B; b++)
            for (int e = 0; e < E; e++)
                expected[b * E + e] = bias[e] + Enumerable.Range(0, C).Sum(c => input[b * C + c] * weight[e * C + c]);

        Numbers.Equal(expected, layer.call(x));
        Assert.Equal(hasBias, layer.bias is not null);
    }

    [Theory]
    [InlineData(1, 0, 1, PaddingModes.Zeros)]
    [InlineData(2, 1, 1, PaddingModes.Zeros)]
    [InlineData(1, 2, 2, PaddingModes.Zeros)]
    [InlineData(1, 2, 1, PaddingModes.Reflect)]
    [InlineData(2, 2, 1, PaddingModes.Replicate)]
    [InlineData(1, 3, 2, PaddingModes.Circular)]
    public void Conv1d_IsTheDoubleLoop(int stride, int padding, int dilation, PaddingModes mode)
    {
        using var layer = Conv1d(C, E, K, stride, padding, dilation, mode, G, dtype: ScalarType.Float64);
        Tensor x = Random(B, C, N);

        Numbers.Equal(Convolve(x, layer, stride, padding, padding, dilation, mode), layer.call(x));
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(4, 1)]
    [InlineData(4, 3)]
    public void SamePadding_KeepsTheLength(int kernel, int dilation)
    {
        using var layer = Conv1d(C, E, kernel, Padding.Same, dilation: dilation, dtype: ScalarType.Float64);
        Tensor x = Random(B, C, N);
        int total = dilation * (kernel - 1), left = total / 2;

        Tensor y = layer.call(x);

        Assert.Equal([B, E, N], y.shape);
        Numbers.Equal(Convolve(x, layer, 1, left, total - left, dilation, PaddingModes.Zeros), y);
    }

    private static double[] Convolve(Tensor x, Conv1d layer, int stride, int left, int right, int dilation, PaddingModes mode)
    {
        double[] input = Numbers.Of(x), weight = Numbers.Of(layer.weight), bias = Numbers.Of(layer.bias);
        int kernel = (int)layer.weight!.shape[2], perGroup = (int)layer.weight!.shape[1], groups = C / perGroup;
        int length = (N + left + right - dilation * (kernel - 1) - 1) / stride + 1;
        var result = new double[B * E * length];
        for (int b = 0; b < B; b++)
            for (int e = 0; e < E; e++)
                for (int n = 0; n < length; n++)
                {
                    double sum = bias[e];
                    for (int c = 0; c < perGroup; c++)
                        for (int k = 0; k < kernel; k++)
                        {
                            int channel = e / (E / groups) * perGroup + c, position = n * stride + k * dilation - left;
                            sum += weight[(e * perGroup + c) * kernel + k] * Padded(input.AsSpan((b * C + channel) * N, N), position, mode);
                        }
                    result[(b * E + e) * length + n] = sum;
                }
        return result;
    }

    private static double Padded(ReadOnlySpan<double> row, int position, PaddingModes mode) => mode switch
    {
        PaddingModes.Zeros => position < 0 || position >= N ? 0 : row[position],
        PaddingModes.Reflect => row[position < 0 ? -position : position >= N ? 2 * (N - 1) - position : position],
        PaddingModes.Replicate => row[Math.Clamp(position, 0, N - 1)],
        _ => row[(position + N) % N],
    };

    [Fact]
    public void Conv1d_RefusesImpossibleChannels()
    {
        Assert.Throws<ArgumentException>(() => Conv1d(C, E, K, groups: 5));
        Assert.Throws<ArgumentException>(() => Conv1d(C, E, K, groups: 0));
        Assert.Throws<ArgumentException>(() => Conv1d(C, E, K, Padding.Same, stride: 2));
        using var layer = Conv1d(C, E, K);
        Assert.Contains("6 channels", Assert.Throws<ArgumentException>(() => layer.call(zeros(B, C + 1, N))).Message);
    }

    [Fact]
    public void Embedding_LooksUpRows_AndPaddingGetsNoGradient()
    {
        using var layer = Embedding(5, 3, padding_idx: 1, dtype: ScalarType.Float64);
        double[] table = Numbers.Of(layer.weight);
        using Tensor indices = tensor(new long[] { 4, 1, 4 });

        using Tensor rows = layer.call(indices);
        rows.sum().backward();

        Numbers.Equal([.. table[12..15], 0, 0, 0, .. table[12..15]], rows);
        Numbers.Equal([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2], layer.weight!.grad);
    }

    [Fact]
    public void Embedding_MaxNormShrinksLongRows()
    {
        using var layer = Embedding(4, 3, max_norm: 0.5, dtype: ScalarType.Float64);
        using (no_grad()) layer.weight!.fill_(1);

        double[] row = Numbers.Of(layer.call(tensor(new long[] { 2 })));

        Assert.Equal(0.5, Math.Sqrt(row.Sum(v => v * v)), 1e-6);
        Assert.Throws<ArgumentException>(() => Embedding(4, 3, padding_idx: 4));
    }

    [Fact]
    public void LayerNorm_NormalizesTheLastDimension()
    {
        using var layer = LayerNorm(C, eps: 1e-3, dtype: ScalarType.Float64);
        using (no_grad())
        {
            layer.weight.copy_(arange(C, dtype: ScalarType.Float64));
            layer.bias!.fill_(0.5);
        }
        Tensor x = Random(B, C);
        double[] input = Numbers.Of(x);
        var expected = new double[B * C];
        for (int b = 0; b < B; b++)
        {
            double mean = input[(b * C)..((b + 1) * C)].Average(), variance = input[(b * C)..((b + 1) * C)].Average(v => (v - mean) * (v - mean));
            for (int c = 0; c < C; c++) expected[b * C + c] = (input[b * C + c] - mean) / Math.Sqrt(variance + 1e-3) * c + 0.5;
        }

        Numbers.Equal(expected, layer.call(x));
        Assert.Empty(LayerNorm(C, elementwise_affine: false).parameters());
        Assert.Equal(["weight"], LayerNorm(C, bias: false).named_parameters().Select(p => p.name));
    }

    [Fact]
    public void Dropout_ScalesWhatItKeeps_AndDoesNothingInEvaluation()
    {
        using var layer = Dropout(0.25);
        double[] kept = Numbers.Of(layer.call(ones(10_000)));

        Assert.All(kept, v => Assert.True(v == 0 || Math.Abs(v - 4.0 / 3) < 1e-6, v.ToString()));
        Assert.InRange(kept.Count(v => v == 0), 2200, 2800);

        layer.eval();
        Assert.All(Numbers.Of(layer.call(ones(100))), v => Assert.Equal(1, v));
    }

    [Fact]
    public void Sequential_IsTheComposition_AndSlices()
    {
        using var first = Linear(C, 5, dtype: ScalarType.Float64);
        using var last = Linear(5, E, dtype: ScalarType.Float64);
        var model = Sequential(("up", first), ("act", ReLU()), ("down", last));
        Tensor x = Random(B, C);

        Numbers.Equal(Numbers.Of(last.call(first.call(x).relu())), model.call(x));
        Assert.Equal(["up.weight", "up.bias", "down.weight", "down.bias"], model.named_parameters().Select(p => p.name));
        Assert.Equal(2, model[1..].Count);
        Assert.Same(last, model[^1..][0]);
        Assert.Equal(["0", "1"], Sequential(GELU(), Identity()).named_children().Select(m => m.name));
    }

    [Fact]
    public void WeightsReadFromALayer_AreObjectsOfTheirOwn()
    {
        using var layer = Linear(C, E);
        using (Parameter? weight = layer.weight) Assert.True(weight!.requires_grad);

        using Tensor y = layer.call(ones(B, C));

        y.sum().backward();
        Assert.NotNull(layer.weight!.grad);
    }

    [Fact]
    public void ReplacedWeights_AreUsedAndListed()
    {
        using var layer = Linear(1, 1, hasBias: false);
        layer.weight = new Parameter(full([1L, 1L], 3f));

        Numbers.Equal([6], layer.call(full([1L, 1L], 2f)));
        Assert.Equal(3, Numbers.Of(layer.parameters().Single())[0]);
        Assert.Throws<ArgumentNullException>(() => layer.weight = null!);
    }

    [Fact]
    public void Losses_AreTheFormulas()
    {
        Tensor scores = tensor(new double[] { 1, 2, 3, 0, 0, 0 }, new long[] { 2, 3 });
        double first = -Math.Log(Math.Exp(3) / (Math.Exp(1) + Math.Exp(2) + Math.Exp(3))), second = Math.Log(3);
        Tensor labels = tensor(new long[] { 2, 1 });

        Assert.Equal((first + second) / 2, CrossEntropyLoss().call(scores, labels).item<double>(), 1e-12);
        Assert.Equal(first, CrossEntropyLoss(ignore_index: 1).call(scores, labels).item<double>(), 1e-12);
        Numbers.Equal([first, second], CrossEntropyLoss(reduction: Reduction.None).call(scores, labels));
        Assert.Equal(14.0 / 6, MSELoss().call(scores, zeros_like(scores)).item<double>(), 1e-12);
    }
}
