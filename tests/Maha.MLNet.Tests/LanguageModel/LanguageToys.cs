using Maha.MLNet.LanguageModel;
using Microsoft.ML;

namespace Maha.MLNet.Tests.LanguageModel;

/// <summary>A row with a text.</summary>
public sealed class Passage
{
    public string? Text { get; set; }

    /// <summary>A column that no transformer reads, to test that it passes through.</summary>
    public float Weight { get; set; }
}

/// <summary>The output columns of a language model.</summary>
public sealed class PassageScore
{
    public float LogLikelihood { get; set; }

    public float Perplexity { get; set; }
}

/// <summary>Small texts and small language models.</summary>
internal static class LanguageToys
{
    /// <summary>Returns texts of a few words, the fourth of which is determined by the third.</summary>
    public static List<Passage> Passages(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count)
            .Select(i => new Passage { Text = string.Join(' ', Enumerable.Range(0, 3 + random.Next(6)).Select(_ => Sentence(random))), Weight = i })];
    }

    public static MahaLanguageModelEstimator.Options Small(int epochs = 1) => new()
    {
        InputColumnName = "Text",
        VocabSize = 300,
        MaxSequenceLength = 32,
        DModel = 16,
        NumLayers = 1,
        FeedForwardDim = 32,
        TokensPerBatch = 512,
        NumberOfEpochs = epochs,
        LearningRate = 0.02,
        ValidationFraction = 0,
        Seed = 7,
    };

    public static MahaLanguageModelEstimator Estimator(MLContext mlContext, Action<MahaLanguageModelEstimator.Options>? change = null, int epochs = 1)
    {
        var options = Small(epochs);
        change?.Invoke(options);
        Toys.ShrinkWindow(options);
        return mlContext.Transforms.MahaLanguageModel(options);
    }

    public static IDataView Data(MLContext mlContext, int count = 20) => mlContext.Data.LoadFromEnumerable(Passages(count));

    private static string Sentence(Random random) => random.Next(3) switch
    {
        0 => "the cat sees the otter.",
        1 => "the saw cuts the wood.",
        _ => "the rain wets the wind.",
    };
}
