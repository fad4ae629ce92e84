using System.Text.Json;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

[Collection(AloneCollection.Name)]
public sealed class DocumentVotesTests
{
    private const int Batch = 3, Length = 4, Width = 5, Votes = 2;

    private static readonly WordPieceTokenizer s_tokenizer = SmallWordPiece.Create();

    private static readonly MahaTransformerOptions s_encoder = new()
    {
        VocabSize = s_tokenizer.VocabSize,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 1,
        FeedForwardDim = 20,
        MaxSequenceLength = 16,
        Positions = PositionKind.Learned,
        Dropout = 0,
        Attention = new FullOptions(),
        Pooling = PoolingKind.MeanMax,
    };

    private static readonly WindowedEncoderOptions s_windows = new()
    {
        WindowLength = 12,
        ChunkLength = 4,
        MaxDocumentTokens = 1000,
        ClsTokenId = s_tokenizer.ClsTokenId,
        SepTokenId = s_tokenizer.SepTokenId,
        NumVotes = Votes,
    };

    private static Tensor Mask() => tensor(new[] { false, false, true, true, false, false, false, false, true, true, true, true }).reshape(Batch, Length);

    [Fact]
    public void Values_EqualDoubleLoops()
    {
        using var scope = NewDisposeScope();
        using var module = TestTensors.Prepared(new DocumentVotes(Width, Votes), seed: 4);
        var states = TestTensors.Random(9, 1, Length, Width);
        double[] x = Values(states), gain = Values(module.get_parameter("norm.weight")!), shift = Values(module.get_parameter("norm.bias")!);
        double[] weights = Values(module.get_parameter("projection.weight")!), bias = Values(module.get_parameter("projection.bias")!);
        var actual = module.call(states, null);
        Assert.Equal([1, Votes], actual.shape);
        for (int k = 0; k < Votes; k++)
        {
            double sum = 0;
            for (int s = 0; s < Length; s++)
            {
                double[] row = x[(s * Width)..((s + 1) * Width)];
                double mean = row.Average(), deviation = Math.Sqrt(row.Average(value => (value - mean) * (value - mean)) + 1e-5);
                double z = bias[k];
                for (int d = 0; d < Width; d++)
                    z += weights[(k * Width) + d] * (((row[d] - mean) / deviation * gain[d]) + shift[d]);
                sum += Math.Tanh(z);
            }
            Assert.Equal(sum / Length, actual[0, k].item<double>(), 1e-12);
        }
    }

    [Fact]
    public void Votes_AreThoseOfTheValidStatesAlone()
    {
        using var scope = NewDisposeScope();
        using var module = TestTensors.Prepared(new DocumentVotes(Width, Votes), seed: 3);
        var states = TestTensors.Random(8, Batch, Length, Width);
        var mask = Mask();
        var votes = module.call(states.masked_fill(mask.unsqueeze(-1), double.NaN), mask);
        Assert.Equal([Batch, Votes], votes.shape);
        TestTensors.AssertClose(module.call(states.narrow(0, 0, 1).narrow(1, 0, 2), null)[0], votes[0], Tolerances.SameFormula);
        TestTensors.AssertClose(module.call(states.narrow(0, 1, 1), null)[0], votes[1], Tolerances.SameFormula);
        TestTensors.AssertClose(zeros_like(votes[2]), votes[2], 0);
    }

    [Fact]
    public void Gradients_EqualFiniteDifferences_AndAreZeroAtPadding()
    {
        using var scope = NewDisposeScope();
        using var module = TestTensors.Prepared(new DocumentVotes(Width, Votes), seed: 5);
        var states = TestTensors.Random(10, Batch, Length, Width).requires_grad_();
        var mask = Mask();
        Tensor Loss() => module.call(states, mask).pow(2).sum();
        Loss().backward();
        Assert.Equal(0, states.grad!.masked_fill(mask.logical_not().unsqueeze(-1), 0).abs().sum().item<double>());
        foreach (var (name, input) in module.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter)).Append(("states", states)))
        {
            double[] gradient = Values(input.grad!);
            Assert.Contains(gradient, value => value != 0);
            using var noGradient = no_grad();
            var flat = input.view(-1);
            const double step = 1e-6;
            for (int i = 0; i < gradient.Length; i++)
            {
                var entry = flat[i];
                entry.add_(step);
                double above = Loss().item<double>();
                entry.sub_(2 * step);
                double below = Loss().item<double>();
                entry.add_(step);
                Assert.True(Math.Abs(((above - below) / (2 * step)) - gradient[i]) < 1e-7, $"{name}[{i}]");
            }
        }
    }

    [Fact]
    public void Logits_AreThoseWithoutVotes_AndTheVotesOfTheStates()
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier(s_windows);
        using var without = Classifier(s_windows with { NumVotes = 0 });
        var state = classifier.state_dict();
        Assert.Equal(["votes.norm.bias", "votes.norm.weight", "votes.projection.bias", "votes.projection.weight", "votes_head.weight"],
            state.Keys.Except(without.state_dict().Keys).Order(StringComparer.Ordinal));
        using (no_grad())
        {
            foreach (var (name, weight) in without.state_dict())
                weight.copy_(state[name]);
        }
        using var votes = new DocumentVotes(12, Votes).to(ScalarType.Float64);
        votes.load_state_dict(state.Where(pair => pair.Key.StartsWith("votes.", StringComparison.Ordinal)).ToDictionary(pair => pair.Key["votes.".Length..], pair => pair.Value));
        // Documents of 31 and 5 tokens: padding, and one of a single window.
        var (ids, mask) = Documents();
        var read = classifier.Read(ids, mask);
        var expected = without.call(ids, mask).Logits + votes.call(read.States, read.Mask).matmul(state["votes_head.weight"].t());
        var actual = classifier.call(ids, mask).Logits;
        TestTensors.AssertClose(expected, actual, Tolerances.SameFormula);
        // A document has the same logits alone, without padding.
        int alone = (int)mask[1].logical_not().sum().item<long>();
        TestTensors.AssertClose(classifier.call(ids[1..2, ..alone], null).Logits[0], actual[1], 1e-10);
        // One segment that is as long as the document has the document's logits.
        TestTensors.AssertClose(actual, classifier.ClassifySegments(read, (int)read.States.shape[1])[.., 0], Tolerances.SameFormula);
    }

    [Fact]
    public void Gradients_ReachEveryWeightOfTheClassifier()
    {
        using var scope = NewDisposeScope();
        using var classifier = Classifier(s_windows);
        var (ids, mask) = Documents();
        nn.functional.cross_entropy(classifier.call(ids, mask).Logits, tensor(new long[] { 0, 2 })).backward();
        foreach (var (name, parameter) in classifier.named_parameters().Where(entry => entry.name.StartsWith("votes", StringComparison.Ordinal)))
            Assert.True(parameter.grad is { } gradient && gradient.abs().sum().item<double>() > 0, name);
    }

    [Fact]
    public void Options_WithoutVotes_AreWrittenAsBefore()
    {
        string without = JsonSerializer.Serialize(s_windows with { NumVotes = 0 }), with = JsonSerializer.Serialize(s_windows);
        Assert.DoesNotContain("Votes", without, StringComparison.Ordinal);
        Assert.Equal(0, JsonSerializer.Deserialize<WindowedEncoderOptions>(without)!.NumVotes);
        Assert.Equal(Votes, JsonSerializer.Deserialize<WindowedEncoderOptions>(with)!.NumVotes);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1025)]
    public void NumVotesOutOfRange_AreRefused(int votes)
    {
        var options = s_windows with { NumVotes = votes };
        Assert.Contains("NumVotes", Assert.ThrowsAny<ArgumentException>(() => options.Validate(s_encoder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DocumentEncoder_RefusesVotes()
    {
        var windows = s_windows with { ChunkLength = s_windows.WindowLength };
        Assert.Contains("NumVotes", Assert.Throws<ArgumentException>(() => new MahaDocumentEncoder(s_encoder, new(), windows)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void WidthOrVotesBelowOne_AreRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new DocumentVotes(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DocumentVotes(1, 0));
    }

    private static WindowedClassifier Classifier(WindowedEncoderOptions windows)
    {
        using var random = new RandomStateScope(7);
        var classifier = new WindowedClassifier(s_encoder, windows, 3).to(ScalarType.Float64);
        classifier.eval();
        return classifier;
    }

    private static (Tensor Ids, Tensor Mask) Documents()
    {
        var cut = new TokenWindows(s_tokenizer, s_windows.WindowLength);
        int[][] framed = [.. new[] { 31, 5 }.Select((length, i) => cut.Frame([.. Enumerable.Range(0, length).Select(k => 5 + ((k * 3 + i) % 7))]))];
        int longest = framed.Max(document => document.Length);
        long[] ids = [.. framed.SelectMany(document => document.Select(id => (long)id).Concat(Enumerable.Repeat(0L, longest - document.Length)))];
        bool[] isPadding = [.. framed.SelectMany(document => Enumerable.Range(0, longest).Select(i => i >= document.Length))];
        return (tensor(ids, [framed.Length, longest]), tensor(isPadding, [framed.Length, longest]));
    }

    private static double[] Values(Tensor values) => values.detach().flatten().data<double>().ToArray();
}
