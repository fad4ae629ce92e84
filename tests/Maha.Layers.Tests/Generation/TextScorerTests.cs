using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Generation;
using Maha.Layers.Kernels;
using Maha.Layers.Models;
using Maha.Layers.Tests.Text;
using Maha.Layers.Text;
using Maha.TestData;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Generation;

[Collection(AloneCollection.Name)]
public class TextScorerTests
{
    private static readonly ByteLevelBpeTokenizer s_tokenizer = TokenizerSamples.Small;

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.HsaCausal)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    public void ContextsThatAreReadTogether_HaveTheScoresOfContextsThatAreReadAlone(AttentionKind attention)
    {
        using var model = Model(attention, contextLength: 64);
        int[] ids = [.. Enumerable.Range(0, 9000).Select(i => 6 + (i * 7919 % (s_tokenizer.VocabSize - 6)))];
        foreach (int context in new[] { 2, 3, 8, 9, 64 })
        {
            var scorer = new TextScorer(model, s_tokenizer, context);
            // No context, a part of one, exactly one or two, and more than are read together.
            List<int> lengths = [0, 1, context - 2, context - 1, context, context + 1, (3 * context / 2) - 1, 2 * context, (5 * context) + 3];
            if (context >= 8)
                lengths.Add(ids.Length);
            foreach (int length in lengths)
            {
                double[] expected = OneContextAtATime(model, ids[..length], context);
                double[] actual = scorer.LogLikelihoods(ids.AsSpan(0, length));
                Assert.Equal(length, actual.Length);
                for (int i = 0; i < length; i++)
                    Assert.True(Math.Abs(expected[i] - actual[i]) < 1e-5, $"context {context}, token {i} of {length}: {actual[i]}, not {expected[i]}");
            }
        }
    }

    [Fact]
    public void Score_IsTheSumOfTheLogLikelihoods()
    {
        using var model = Model(AttentionKind.HsaCausal, contextLength: 16);
        var scorer = new TextScorer(model, s_tokenizer);
        foreach (string text in TokenizerSamples.Texts)
            Assert.Equal(scorer.LogLikelihoods(s_tokenizer.Encode(text)).Sum(), scorer.Score(text).LogLikelihood, 1e-9);
    }

    [Fact]
    public void ATextThatIsEncodedInPieces_HasTheTokensOfTheWhole()
    {
        var random = new Random(3);
        string[] parts =
        [
            "the ", "quick", " brown", "  ", "\n", "\r\n", "fox's", " 1234567", "\ud83d\ude00", "\ud800", "\u0301", "...", " \u00e9t\u00e9", new('x', 200), "a b c d ",
        ];
        for (int i = 0; i < 300; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => parts[random.Next(parts.Length)]));
            foreach (int piece in new[] { 2, 7, 50 })
                Assert.Equal(s_tokenizer.Encode(text), TextPieces.Encode(s_tokenizer, text, CancellationToken.None, piece));
        }
    }

    [Fact]
    public void ALongText_IsEncodedInPieces_AndACancellationIsNoticed()
    {
        string text = string.Concat(Enumerable.Repeat("the quick brown fox ", 1000));
        var counting = new CountingTokenizer(s_tokenizer);
        Assert.Equal(s_tokenizer.Encode(text), TextPieces.Encode(counting, text, CancellationToken.None, 1000));
        Assert.Equal(text.Length, counting.Lengths.Sum());
        Assert.InRange(counting.Lengths.Count, 20, 22);
        Assert.All(counting.Lengths, length => Assert.InRange(length, 1, 1000));

        using var source = new CancellationTokenSource();
        counting = new CountingTokenizer(s_tokenizer, onEncode: source.Cancel);
        Assert.Throws<OperationCanceledException>(() => TextPieces.Encode(counting, text, source.Token, 1000));
        Assert.Single(counting.Lengths);
    }

    [Fact]
    public void ACancellation_EndsTheScoringOfALongText()
    {
        using var model = Model(AttentionKind.HsaCausal, contextLength: 16);
        var scorer = new TextScorer(model, s_tokenizer);
        string text = string.Concat(Enumerable.Repeat("the quick brown fox ", 400_000)); // 8 MB, minutes
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        Assert.ThrowsAny<OperationCanceledException>(() => scorer.Score(text, source.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => scorer.Score("", source.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => scorer.LogLikelihoods([7, 8], source.Token));
    }

    // The likelihood belongs to the model: dropout would give another in each call.
    [Theory]
    [InlineData(AttentionKind.Maha, false)]
    [InlineData(AttentionKind.HsaCausal, false)]
    [InlineData(AttentionKind.HsaCausal, true)]
    [InlineData(AttentionKind.Full, false)]
    public void AModelInTrainingMode_HasTheScoresOfEvaluation(AttentionKind attention, bool recomputed)
    {
        using var model = Model(attention, contextLength: 16, options => options with { Dropout = 0.5, RecomputeBlocks = recomputed });
        var scorer = new TextScorer(model, s_tokenizer);
        double[] expected = scorer.LogLikelihoods([7, 8, 9, 10, 11]);
        model.train();
        Assert.Equal(expected, scorer.LogLikelihoods([7, 8, 9, 10, 11]));
        Assert.True(model.training);
        Assert.Contains(model.modules(), module => module is ActivationDropout { Drops: true });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(39)]
    public void AnIdOutsideTheVocabulary_IsRefused_WhereverItIs(int place)
    {
        using var model = Model(AttentionKind.HsaCausal, contextLength: 8);
        var scorer = new TextScorer(model, s_tokenizer);
        foreach (int id in new[] { -1, -2, int.MinValue, s_tokenizer.VocabSize, int.MaxValue })
        {
            int[] ids = [.. Enumerable.Repeat(7, 40)];
            ids[place] = id;
            string message = Assert.Throws<ArgumentException>(() => scorer.LogLikelihoods(ids)).Message;
            Assert.Contains($"[0, {s_tokenizer.VocabSize})", message, StringComparison.Ordinal);
            Assert.Contains($"{id}", message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => scorer.LogLikelihoods(ids.AsSpan(0, place + 1)));
        }
    }

    // What the documentation says: contexts that overlap by half, each token counted once.
    private static double[] OneContextAtATime(MahaLanguageModel model, int[] ids, int contextLength)
    {
        double[] expected = new double[ids.Length];
        long[] stream = [ByteLevelBpeTokenizer.EosTokenId, .. ids.Select(id => (long)id)];
        int step = Math.Max(1, contextLength / 2), done = 0;
        for (int start = 0; done < ids.Length; start += step)
        {
            using var scope = NewDisposeScope();
            int end = Math.Min(start + contextLength, stream.Length);
            double[] context = TestTensors.ToArray(model.LogLikelihoods(tensor(stream[start..end], [1, end - start]), null));
            context.AsSpan(done - start).CopyTo(expected.AsSpan(done));
            done = end - 1;
        }
        return expected;
    }

    private static MahaLanguageModel Model(
        AttentionKind attention, int contextLength, Func<MahaTransformerOptions, MahaTransformerOptions>? change = null)
    {
        using var random = new RandomStateScope(4);
        var options = new MahaTransformerOptions
        {
            VocabSize = s_tokenizer.VocabSize,
            MaxSequenceLength = contextLength,
            DModel = 12,
            NumHeads = 2,
            NumLayers = 2,
            FeedForwardDim = 24,
            IsCausal = true,
            Positions = PositionKind.Rotary,
            EmbeddingNorm = true,
        }.With(window: 8, attention: attention, branching: 4);
        var model = new MahaLanguageModel(change?.Invoke(options) ?? options);
        model.eval();
        return model;
    }
}
