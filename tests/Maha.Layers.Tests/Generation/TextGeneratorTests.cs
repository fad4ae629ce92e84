using System.Text;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Tests.Text;
using Maha.Layers.Text;
using Maha.Layers.Training;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Generation;

[Collection(AloneCollection.Name)]
public class TextGeneratorTests
{
    private static readonly ByteLevelBpeTokenizer s_tokenizer = TokenizerSamples.Small;

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.HsaCausal)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    public void Greedy_IsTheLikeliestTokenOfTheBatchForm(AttentionKind attention)
    {
        using var model = Model(attention);
        string prompt = "the quick " + string.Join(' ', Enumerable.Repeat("dog", 40));
        string text = new TextGenerator(model, s_tokenizer).Generate(prompt, new GenerationOptions { MaxTokens = 20, Temperature = 0 });
        List<int> ids = [ByteLevelBpeTokenizer.EosTokenId, .. s_tokenizer.Encode(prompt)];
        int start = ids.Count;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        while (ids.Count < start + 20)
        {
            var logits = model.call(tensor([.. ids.Select(id => (long)id)], [1, ids.Count]), null).Logits[0, ids.Count - 1];
            foreach (int special in Enumerable.Range(0, s_tokenizer.SpecialTokens.Count).Where(id => id != ByteLevelBpeTokenizer.EosTokenId))
                logits[special] = double.NegativeInfinity;
            int next = (int)logits.argmax().item<long>();
            if (next == ByteLevelBpeTokenizer.EosTokenId)
                break;
            ids.Add(next);
        }
        var decoder = s_tokenizer.CreateStreamDecoder();
        Assert.Equal(new StopSequenceFilter([]).Append(decoder.Append([.. ids[start..]])), text);
    }

    [Fact]
    public async Task Stream_IsTheText_AndValid()
    {
        using var model = Model(AttentionKind.Maha);
        var generator = new TextGenerator(model, s_tokenizer);
        foreach (var options in new[] { new GenerationOptions { MaxTokens = 150, Temperature = 3 },
            new() { MaxTokens = 150, Temperature = 1.5, TopK = 50, TopP = 0.95, RepetitionPenalty = 1.2, Seed = 3 } })
        {
            foreach (string prompt in new[] { "", "the fox", "\U0001F600 \uD800 \u0436" })
            {
                string text = generator.Generate(prompt, options);
                Assert.Equal(text, generator.Generate(prompt, options));
                var pieces = new List<string>();
                await foreach (string piece in generator.GenerateAsync(prompt, options))
                    pieces.Add(piece);
                Assert.Equal(text, string.Concat(pieces));
                Assert.All(pieces, piece =>
                {
                    Assert.NotEmpty(piece);
                    Assert.Equal(piece, Encoding.Unicode.GetString(Encoding.Unicode.GetBytes(piece)));
                });
            }
        }
        Assert.NotEqual(generator.Generate("a", new() { Seed = 1 }), generator.Generate("a", new() { Seed = 2 }));
    }

    [Fact]
    public void StopSequences_EndTheText_AcrossTokens()
    {
        using var model = Model(AttentionKind.Maha);
        var generator = new TextGenerator(model, s_tokenizer);
        var options = new GenerationOptions { MaxTokens = 60, Temperature = 2 };
        string text = generator.Generate("the", options);
        Assert.True(text.Length > 30);
        foreach (int start in new[] { 5, 11, 20 })
        {
            string stop = text.Substring(start, 4);
            Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)],
                generator.Generate("the", options with { StopSequences = ["never-there", stop] }));
        }
    }

    [Fact]
    public void MaxTokens_BoundsTheText_AndAnEmptyPromptWorks()
    {
        using var model = Model(AttentionKind.Full);
        var generator = new TextGenerator(model, s_tokenizer);
        string one = generator.Generate("", new() { MaxTokens = 1, Temperature = 0 });
        string many = generator.Generate("", new() { MaxTokens = 9, Temperature = 0 });
        Assert.StartsWith(one, many, StringComparison.Ordinal);
        Assert.InRange(many.Length, one.Length + 1, 9 * 64);
    }

    [Fact]
    public async Task Cancellation_EndsIt()
    {
        using var model = Model(AttentionKind.Maha);
        var generator = new TextGenerator(model, s_tokenizer);
        using var source = new CancellationTokenSource();
        int pieces = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (string _ in generator.GenerateAsync("the", new() { MaxTokens = 100_000, Temperature = 2 }, source.Token))
            {
                if (++pieces == 3)
                    source.Cancel();
            }
        });
        Assert.Equal(3, pieces);
        Assert.ThrowsAny<OperationCanceledException>(() => generator.Generate("the", null, source.Token));
    }

    [Fact]
    public void Generation_EndsAtEndOfText()
    {
        // A model that was trained only on "the" followed by the end-of-text token.
        using var model = Model(AttentionKind.Maha);
        using var documents = TokenizedDataset.FromTexts(Enumerable.Repeat("the", 200), s_tokenizer);
        new Trainer(new TrainingOptions { NumberOfEpochs = 6, TokensPerBatch = 128, LearningRate = 0.01, ValidationFraction = 0 })
            .Train(new LanguageModelingTask(model), new PackedContexts(documents, 16, ByteLevelBpeTokenizer.EosTokenId));
        Assert.Equal("the", new TextGenerator(model, s_tokenizer).Generate("", new() { MaxTokens = 50, Temperature = 0 }));
    }

    [Fact]
    public void Arguments_AreChecked()
    {
        using var model = Model(AttentionKind.Maha);
        var generator = new TextGenerator(model, s_tokenizer);
        Refused("MaxTokens", new() { MaxTokens = 0 });
        Refused("Temperature", new() { Temperature = -1 });
        Refused("Temperature", new() { Temperature = double.NaN });
        Refused("TopK", new() { TopK = 0 });
        Refused("TopP", new() { TopP = 0 });
        Refused("TopP", new() { TopP = double.NaN });
        Refused("RepetitionPenalty", new() { RepetitionPenalty = 0 });
        Refused("stop sequence", new() { StopSequences = ["x", ""] });
        Refused("lone surrogate", new() { StopSequences = ["\uD800"] });
        Refused("1,024", new() { StopSequences = [new string('x', 2000)] });
        Assert.Throws<ArgumentNullException>(() => generator.Generate(null!));
        using var other = new MahaLanguageModel(model.Encoder.Options with { VocabSize = 7 });
        Assert.Contains("vocabulary", Assert.Throws<ArgumentException>(() => new TextGenerator(other, s_tokenizer)).Message, StringComparison.Ordinal);
        Assert.Contains("vocabulary", Assert.Throws<ArgumentException>(() => new TextScorer(other, s_tokenizer)).Message, StringComparison.Ordinal);

        void Refused(string message, GenerationOptions options)
        {
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(() => generator.Generate("a", options)).Message, StringComparison.Ordinal);
            Assert.ThrowsAny<ArgumentException>(() => generator.GenerateAsync("a", options));
        }
    }

    [Fact]
    public void LearnedPositions_EndWithAMessage()
    {
        using var model = new MahaLanguageModel(Options(AttentionKind.Maha) with { Positions = PositionKind.Learned, MaxSequenceLength = 8 });
        var generator = new TextGenerator(model, s_tokenizer);
        Assert.Contains("Learned positions", Assert.Throws<ArgumentException>(() => generator.Generate(new string('x', 50))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Score_IsTheSumOverContexts()
    {
        using var model = Model(AttentionKind.Maha);
        string text = TokenizerSamples.Texts[0];
        int[] ids = s_tokenizer.Encode(text);
        using var scope = NewDisposeScope();
        long[] stream = [ByteLevelBpeTokenizer.EosTokenId, .. ids.Select(id => (long)id)];
        double[] whole = Of(0, stream.Length);
        var score = new TextScorer(model, s_tokenizer, 4096).Score(text);
        Assert.Equal(whole.Sum(), score.LogLikelihood, 1e-9);
        Assert.Equal((ids.Length, text.Length, text.Split(' ', '\n').Count(word => word.Length > 0)), (score.NumTokens, score.NumBytes, score.NumWords));
        Assert.Equal(Math.Exp(-whole.Sum() / text.Length), score.PerplexityPerByte, 1e-9);
        Assert.Equal(Math.Exp(-score.LogLikelihoodPerToken), score.PerplexityPerToken, 1e-9);

        // Contexts of 8 tokens, half new: tokens 1 to 7, then 8 to 11 from the context that begins at 4, ...
        double[] contexts = new TextScorer(model, s_tokenizer, 8).LogLikelihoods(ids);
        const double float32 = 1e-5;
        Assert.True(TestTensors.Difference(whole[..7], contexts[..7]) < float32);
        Assert.True(TestTensors.Difference(Of(4, 12)[3..], contexts[7..11]) < float32);
        Assert.Equal(ids.Length, contexts.Length);
        Assert.Equal(new TextScore(0, 0, 0, 0), new TextScorer(model, s_tokenizer).Score(""));
        Assert.Equal(score + score, new TextScore(2 * score.LogLikelihood, 2 * score.NumTokens, 2 * score.NumBytes, 2 * score.NumWords));

        double[] Of(int start, int end) => TestTensors.ToArray(model.LogLikelihoods(tensor(stream[start..end], [1, end - start]), null));
    }

    private static MahaTransformerOptions Options(AttentionKind attention) => new MahaTransformerOptions
    {
        VocabSize = s_tokenizer.VocabSize,
        MaxSequenceLength = 64,
        DModel = 24,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 48,
        Dropout = 0.1,
        IsCausal = true,
        Positions = PositionKind.Rotary,
        EmbeddingNorm = true,
    }.With(window: 8, attention: attention, branching: 4);

    private static MahaLanguageModel Model(AttentionKind attention)
    {
        using var random = new RandomStateScope(4);
        var model = new MahaLanguageModel(Options(attention), tieOutput: false);
        model.eval();
        return model;
    }
}
