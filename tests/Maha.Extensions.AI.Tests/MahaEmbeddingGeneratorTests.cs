using Maha.MLNet.TextEncoding;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Extensions.AI.Tests;

public sealed class MahaEmbeddingGeneratorTests(FittedEncoder fitted) : IClassFixture<FittedEncoder>
{
    private const double Tolerance = 1e-5;

    private static readonly MahaEmbeddingGeneratorOptions s_shared = new() { OwnsEncoder = false, ModelId = "pages", BatchSize = 7 };

    [Fact]
    public async Task Embeddings_AreTheVectorsOfTheTransformer_InOrder()
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        var embeddings = await generator.GenerateAsync(FittedEncoder.Texts);
        AssertEqual(fitted.Vectors(FittedEncoder.Texts), embeddings);
        Assert.All(embeddings, embedding => Assert.Equal("pages", embedding.ModelId));
        Assert.All(embeddings, embedding => Assert.InRange(DateTimeOffset.UtcNow - embedding.CreatedAt!.Value, TimeSpan.Zero, TimeSpan.FromMinutes(5)));
        Assert.Empty(await generator.GenerateAsync([]));
    }

    [Fact]
    public async Task Usage_CountsTheTokensThatAreRead()
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        async Task<long> Count(params string[] texts) => (await generator.GenerateAsync(texts)).Usage!.InputTokenCount!.Value;
        long one = await Count("cat saw"), other = await Count("otter . moss");
        Assert.True(one > 0 && other > 0);
        Assert.Equal(one + other, await Count("cat saw", "otter . moss"));
        Assert.Equal(0, await Count(""));
        // A longer text is read up to the length of the model.
        Assert.Equal(512, await Count(FittedEncoder.Text(7, 2000)));
        var usage = (await generator.GenerateAsync(["cat"])).Usage!;
        Assert.Equal(usage.InputTokenCount, usage.TotalTokenCount);
    }

    [Fact]
    public async Task SavedModel_LoadsAndGivesTheSameEmbeddings()
    {
        using var generator = MahaEmbeddingGenerator.Load(fitted.Path);
        AssertEqual(fitted.Vectors(FittedEncoder.Texts), await generator.GenerateAsync(FittedEncoder.Texts));
    }

    [Fact]
    public void ModelWithoutEncoder_IsRefused()
    {
        string path = Path.Combine(Path.GetDirectoryName(fitted.Path)!, "other.zip");
        var data = fitted.ML.Data.LoadFromEnumerable([new FittedEncoder.Row()]);
        fitted.ML.Model.SaveSafely(fitted.ML.Transforms.CopyColumns("Copy", "Text").Fit(data), data.Schema, path);
        var refusal = Assert.Throws<ArgumentException>(() => MahaEmbeddingGenerator.Load(path));
        Assert.Contains("exactly one transformer of MahaEncode, but", refusal.Message, StringComparison.Ordinal);
    }

    // The generator has the encoder alone: the file has the schema of the input or has none.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ChainAroundTheEncoder_MustNotChangeItsTextOrVector(bool withSchema)
    {
        var transforms = fitted.ML.Transforms;
        var data = fitted.ML.Data.LoadFromEnumerable([new FittedEncoder.Row { Text = "Cat SAW" }]);
        var clean = transforms.Text.NormalizeText("Text").Fit(data);
        var unit = transforms.NormalizeLpNorm("Features").Fit(fitted.Encoder.Transform(data));
        AssertRefused("TextNormalizingTransformer writes 'Text'", clean, fitted.Encoder);
        AssertRefused("TextNormalizingTransformer writes 'Text'", new TransformerChain<ITransformer>(clean), fitted.Encoder);
        AssertRefused("LpNormNormalizingTransformer writes 'Features'", fitted.Encoder, unit);

        string path = Save(
            transforms.CopyColumns("Body", "Text").Fit(data), transforms.Text.NormalizeText("Clean", "Text").Fit(data), fitted.Encoder,
            transforms.NormalizeLpNorm("Unit", "Features").Fit(fitted.Encoder.Transform(data)));
        using var generator = MahaEmbeddingGenerator.Load(path);
        AssertEqual(fitted.Vectors(FittedEncoder.Texts), await generator.GenerateAsync(FittedEncoder.Texts));

        string Save(params ITransformer[] chain)
        {
            string file = Path.Combine(Path.GetDirectoryName(fitted.Path)!, "chain.zip");
            fitted.ML.Model.SaveSafely(new TransformerChain<ITransformer>(chain), withSchema ? data.Schema : null, file);
            return file;
        }

        void AssertRefused(string rule, params ITransformer[] chain)
        {
            string file = Save(chain);
            var refusal = Assert.Throws<ArgumentException>(() => MahaEmbeddingGenerator.Load(file));
            Assert.Equal("path", refusal.ParamName);
            Assert.Contains(rule, refusal.Message, StringComparison.Ordinal);
            Assert.Contains("yourself, and give or save the MahaTextEncodingTransformer alone", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task EightThreads_ShareOneGenerator()
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        float[][] expected = fitted.Vectors(FittedEncoder.Texts);
        var threads = Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            for (int round = 0; round < 5; round++)
            {
                int first = (thread + round) % FittedEncoder.Texts.Length;
                AssertEqual(expected[first..], await generator.GenerateAsync(FittedEncoder.Texts[first..]));
            }
        }));
        await Task.WhenAll(threads);
    }

    [Theory]
    [InlineData(3, null, "Dimensions must be")]
    [InlineData(null, "gpt", "ModelId must be 'pages'")]
    public async Task RequestForAnotherModel_IsRefused(int? dimensions, string? modelId, string rule)
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        var options = new EmbeddingGenerationOptions { Dimensions = dimensions, ModelId = modelId };
        Assert.Contains(rule, (await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a"], options))).Message, StringComparison.Ordinal);
        var own = new EmbeddingGenerationOptions { Dimensions = fitted.Encoder.VectorSize, ModelId = "pages" };
        Assert.Single(await generator.GenerateAsync(["a"], own));
    }

    [Fact]
    public async Task WrongTextsAndOptions_AreRefused()
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        await Assert.ThrowsAsync<ArgumentNullException>(() => generator.GenerateAsync(null!));
        var refusal = await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a", null!]));
        Assert.Contains("text 1 is null", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MahaEmbeddingGenerator(fitted.Encoder, s_shared with { BatchSize = 0 }));
        Assert.Throws<ArgumentException>(() => new MahaEmbeddingGenerator(fitted.Encoder, s_shared with { ModelId = " " }));
    }

    // The first text that is asked for cancels: the batch of it is completed, no other begins.
    [Fact]
    public async Task Cancellation_EndsTheWorkBetweenTwoBatches()
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared with { BatchSize = 1 });
        using var source = new CancellationTokenSource();
        string[] texts = [.. Enumerable.Repeat(FittedEncoder.Text(1, 300), 20_000)];
        var running = generator.GenerateAsync(texts, cancellationToken: source.Token);
        source.CancelAfter(50);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => generator.GenerateAsync(["a"], cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Services_AreMetadataGeneratorAndEncoder()
    {
        using var generator = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        var metadata = generator.GetService<EmbeddingGeneratorMetadata>()!;
        Assert.Equal(("maha", "pages", fitted.Encoder.VectorSize), (metadata.ProviderName, metadata.DefaultModelId, metadata.DefaultModelDimensions));
        Assert.Same(generator, generator.GetService<MahaEmbeddingGenerator>());
        Assert.Same(fitted.Encoder, generator.GetService<MahaTextEncodingTransformer>());
        Assert.Null(generator.GetService(typeof(string)));
        Assert.Null(generator.GetService(typeof(MahaEmbeddingGenerator), "key"));
    }

    [Fact]
    public async Task DisposedGenerator_IsRefused_AndDisposesTheEncoderOnlyIfItOwnsIt()
    {
        var sharing = new MahaEmbeddingGenerator(fitted.Encoder, s_shared);
        sharing.Dispose();
        sharing.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => sharing.GenerateAsync(["a"]));
        Assert.Single(fitted.Vectors(["a"]));

        var owning = MahaEmbeddingGenerator.Load(fitted.Path);
        var encoder = owning.GetService<MahaTextEncodingTransformer>()!;
        owning.Dispose();
        using var other = new MahaEmbeddingGenerator(encoder, s_shared);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => other.GenerateAsync(["a"]));
    }

    // Many batches, so that the disposal falls between two of them; also a call that the thread pool has not begun yet.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disposal_WhileACallRuns_LetsItComplete(bool ownsEncoder)
    {
        string[] texts = [.. Enumerable.Range(0, 300).Select(i => FittedEncoder.Text(i, 20))];
        using var owner = MahaEmbeddingGenerator.Load(fitted.Path);
        var encoder = owner.GetService<MahaTextEncodingTransformer>()!;
        var weight = encoder.Encoder.UseNetwork(network => network.parameters().First());
        var generator = new MahaEmbeddingGenerator(encoder, s_shared with { BatchSize = 1, OwnsEncoder = ownsEncoder });
        Task<GeneratedEmbeddings<Embedding<float>>>[] calls = [.. Enumerable.Range(0, 3).Select(_ => generator.GenerateAsync(texts))];
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(generator.Dispose)));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => generator.GenerateAsync(["a"]));
        foreach (var embeddings in await Task.WhenAll(calls))
            AssertEqual(fitted.Vectors(texts), embeddings);
        Assert.Equal(ownsEncoder, weight.IsInvalid);
    }

    // Else the encoder's memory would never be freed.
    [Fact]
    public async Task Call_ThatEndsInAnyWay_ReleasesTheEncoder()
    {
        var generator = MahaEmbeddingGenerator.Load(fitted.Path, s_shared with { BatchSize = 1 });
        var weight = generator.GetService<MahaTextEncodingTransformer>()!.Encoder.UseNetwork(network => network.parameters().First());
        using var source = new CancellationTokenSource();
        var canceled = generator.GenerateAsync(Enumerable.Repeat(FittedEncoder.Text(1, 300), 20_000), cancellationToken: source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => canceled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => generator.GenerateAsync(["a"], cancellationToken: new CancellationToken(canceled: true)));
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a", null!]));
        await Assert.ThrowsAsync<ArgumentException>(() => generator.GenerateAsync(["a"], new EmbeddingGenerationOptions { ModelId = "other" }));
        Assert.Single(await generator.GenerateAsync(["a"]));
        Assert.False(weight.IsInvalid);
        generator.Dispose();
        Assert.True(weight.IsInvalid);
    }

    [Fact]
    public async Task ServiceCollection_HasOneGeneratorPerKey_AndDisposesThem()
    {
        var services = new ServiceCollection();
        services.AddMahaEmbeddingGenerator(fitted.Path)
            .AddMahaEmbeddingGenerator(fitted.Path, new MahaEmbeddingGeneratorOptions { ModelId = "second" }, serviceKey: "second");
        IEmbeddingGenerator<string, Embedding<float>> first, second;
        await using (var provider = services.BuildServiceProvider())
        {
            first = provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>();
            second = provider.GetRequiredKeyedService<IEmbeddingGenerator<string, Embedding<float>>>("second");
            Assert.Same(first, provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>());
            Assert.Equal("second", (await second.GenerateAsync(["a"]))[0].ModelId);
            AssertEqual(fitted.Vectors(["cat"]), await first.GenerateAsync(["cat"]));
        }
        await Assert.ThrowsAsync<ObjectDisposedException>(() => first.GenerateAsync(["a"]));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => second.GenerateAsync(["a"]));
        Assert.Throws<ArgumentException>(() => services.AddMahaEmbeddingGenerator(""));
    }

    private static void AssertEqual(float[][] expected, GeneratedEmbeddings<Embedding<float>> actual)
    {
        Assert.Equal(expected.Length, actual.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            var vector = actual[i].Vector.Span;
            Assert.Equal(expected[i].Length, vector.Length);
            for (int k = 0; k < vector.Length; k++)
                Assert.Equal(expected[i][k], vector[k], Tolerance * Math.Max(1, Math.Abs(expected[i][k])));
        }
    }
}
