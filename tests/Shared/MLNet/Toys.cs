using Maha.Layers.Attention;
using Maha.MLNet.Classification;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests;

/// <summary>A row with a text label.</summary>
public sealed class Document
{
    public string? Label { get; set; }

    public string? Text { get; set; }

    /// <summary>A column that nothing reads, so that passing through is seen.</summary>
    public float Weight { get; set; }
}

/// <summary>A row with a truth value.</summary>
public sealed class Verdict
{
    public bool Label { get; set; }

    public string? Text { get; set; }

    public float Weight { get; set; }
}

/// <summary>What a classifier with three or more classes says.</summary>
public sealed class Prediction
{
    [ColumnName("PredictedLabelName")]
    public string? Label { get; set; }

    public float[]? Score { get; set; }
}

/// <summary>What a binary classifier says.</summary>
public sealed class BinaryPrediction
{
    public float Score { get; set; }

    public float Probability { get; set; }

    public bool PredictedLabel { get; set; }
}

/// <summary>Small documents, small models.</summary>
internal static class Toys
{
    public static readonly string[] Labels = ["animals", "tools", "weather"];

    private static readonly string[][] s_words =
    [
        ["cat", "dog", "horse", "mouse", "otter"],
        ["hammer", "saw", "chisel", "wrench", "drill"],
        ["rain", "snow", "wind", "storm", "fog"],
    ];

    private static readonly string[] s_filler = ["the", "of", "and", "near", "with", "some", "other", "thing"];

    /// <summary>Documents of three classes, whose words give them away.</summary>
    public static List<Document> Documents(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => new Document { Label = Labels[i % 3], Text = Text(random, i % 3), Weight = i })];
    }

    /// <summary>The first two of those classes as false and true.</summary>
    public static List<Verdict> Verdicts(int count, int seed = 1)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(i => new Verdict { Label = i % 2 == 1, Text = Text(random, i % 2), Weight = i })];
    }

    /// <summary>A few words, every third of the class.</summary>
    public static string Text(Random random, int topic, int length = 12)
        => string.Join(' ', Enumerable.Range(0, length).Select(i => Pick(random, i % 3 == 0 ? s_words[topic] : s_filler)));

    /// <summary>Words that say nothing.</summary>
    public static string Filler(Random random, int length) => string.Join(' ', Enumerable.Range(0, length).Select(_ => Pick(random, s_filler)));

    /// <summary>The options of the smallest useful model.</summary>
    public static TOptions Small<TOptions>(int epochs = 1) where TOptions : MahaSupervisedOptions, new() => new()
    {
        VocabSize = 320,
        MaxSequenceLength = 64,
        DModel = 16,
        NumLayers = 1,
        FeedForwardDim = 32,
        TokensPerBatch = 512,
        MinDocumentsPerStep = 1, // few documents, so that a batch is a step
        NumberOfEpochs = epochs,
        LearningRate = 0.02,
        ValidationFraction = 0,
        NGrams = false, // they tell these toys apart by themselves
        Seed = 7,
    };

    /// <summary>Gives attentions with windows one that toys have several of.</summary>
    public static void ShrinkWindow(MahaEstimatorOptions options)
    {
        if (options.Uses(nameof(options.Window)) && options.Window == new MahaOptions().Window)
            options.Window = 8;
    }

    /// <summary>A trainer of the smallest useful model.</summary>
    public static MahaTextClassificationTrainer Trainer(MLContext mlContext, Action<MahaTextClassificationTrainer.Options>? change = null, int epochs = 1)
    {
        var options = Small<MahaTextClassificationTrainer.Options>(epochs);
        change?.Invoke(options);
        ShrinkWindow(options);
        return mlContext.MulticlassClassification.Trainers.MahaTextClassification(options);
    }

    /// <summary>A trainer of the smallest useful model of two classes.</summary>
    public static MahaBinaryTextClassificationTrainer BinaryTrainer(
        MLContext mlContext, Action<MahaBinaryTextClassificationTrainer.Options>? change = null, int epochs = 1)
    {
        var options = Small<MahaBinaryTextClassificationTrainer.Options>(epochs);
        change?.Invoke(options);
        ShrinkWindow(options);
        return mlContext.BinaryClassification.Trainers.MahaTextClassification(options);
    }

    /// <summary>Documents with the label as a key.</summary>
    public static IDataView Keyed(MLContext mlContext, IEnumerable<Document> documents)
    {
        var data = mlContext.Data.LoadFromEnumerable(documents);
        return mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
    }

    private static string Pick(Random random, string[] words) => words[random.Next(words.Length)];
}
