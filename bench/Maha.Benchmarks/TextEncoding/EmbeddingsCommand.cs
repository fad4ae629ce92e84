using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.Classification;
using Microsoft.ML;

namespace Maha.Benchmarks.TextEncoding;

/// <summary>
/// <c>embeddings</c>: the accuracy of classifiers on vectors that are learned without labels, where few documents have labels. MahaEncode learns from all
/// training texts; LbfgsMaximumEntropy then learns from some labels of each class, on these vectors and on a bag of words of the same labeled documents.
/// </summary>
/// <remarks>Both pipelines run with ML.NET's default regularization and with weaker ones; the table shows the default and the best of each pipeline.</remarks>
internal static class EmbeddingsCommand
{
    public const string Arguments = "[--data FILE --test FILE] [--budgets N...] [--seeds N] [--first-seed N] [--parts] [--no-words] " + EncoderChoice.Arguments;

    // L1 and L2 of LbfgsMaximumEntropy; the first is ML.NET's default.
    private static readonly (float L1, float L2)[] s_strengths = [(1, 1), (0, 1), (0, 0.1f), (0, 0.01f)];

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        var corpus = EmbeddingCorpus.Read(options, needsTest: true);
        var budgets = options.Integers("--budgets", [10, 50, 200]);
        int seeds = options.Integer("--seeds", 3), firstSeed = options.Integer("--first-seed", 1);
        bool parts = options.Flag("--parts"), withoutWords = options.Flag("--no-words");
        var encoder = EncoderChoice.Read(options);
        var mlContext = EncoderChoice.CreateContext(options);
        options.RefuseLeft();

        EnvironmentHeader.Print(Console.Out);
        var watch = Stopwatch.StartNew();
        // A pretrained encoder is not trained, and so reports nothing.
        encoder.Progress = encoder.PretrainedModel is null ? new Every(watch) : null;
        using var model = mlContext.Transforms.MahaEncode(encoder).Fit(Texts(mlContext, corpus.Training));
        double fitted = watch.Elapsed.TotalSeconds;
        var training = Encode(mlContext, model, corpus.Training);
        var testing = Encode(mlContext, model, corpus.Testing);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"# {corpus.Training.Count} documents to learn from, {corpus.Testing.Count} to test; "
            + $"vectors of {model.VectorSize}; fitted in {fitted:F0} s, encoded in {watch.Elapsed.TotalSeconds - fitted:F0} s"));
        var methods = new List<(string Name, Func<List<int>, IReadOnlyList<double>> Accuracies)>
        {
            ("MahaEncode", chosen => OfVectors(mlContext, chosen.Select(i => training[i]), testing, features => features)),
        };
        if (!withoutWords)
            methods.Add(("bag of words", chosen => OfWords(mlContext, [.. chosen.Select(i => corpus.Training[i])], corpus.Testing)));
        if (parts)
        {
            int spectral = encoder.SpectralDim, contextual = model.VectorSize - spectral * (encoder.BeginningTokens > 0 ? 2 : 1);
            void Add(string name, Func<float[], float[]> part) =>
                methods.Add((name, chosen => OfVectors(mlContext, chosen.Select(i => training[i]), testing, part)));
            Add("contextual part", features => features[..contextual]);
            Add("all but contextual", features => features[contextual..]);
            Add("contextual x 4", features => [.. features.Select((value, k) => k < contextual ? value * 4 : value)]);
        }
        Console.WriteLine("labels/class  features            default  best     (l1, l2)   spread over seeds");
        foreach (int budget in budgets)
        {
            foreach (var (name, accuracies) in methods)
            {
                var bySeed = Enumerable.Range(firstSeed, seeds).Select(seed => accuracies(Draw(corpus.Training, budget, seed))).ToList();
                int best = Enumerable.Range(0, s_strengths.Length).MaxBy(k => bySeed.Average(values => values[k]));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{budget,-13} {name,-19} {bySeed.Average(values => values[0]):F4}   {bySeed.Average(values => values[best]):F4}   "
                        + $"({s_strengths[best].L1:0.##}, {s_strengths[best].L2:0.##})   {bySeed.Min(values => values[best]):F4} "
                        + $".. {bySeed.Max(values => values[best]):F4}"));
            }
        }

        return ExitCode.Success;
    }

    private static IReadOnlyList<double> OfVectors(MLContext mlContext, IEnumerable<VectorRow> training, List<VectorRow> testing, Func<float[], float[]> part)
    {
        IDataView View(IEnumerable<VectorRow> rows) =>
            VectorRow.View(mlContext, [.. rows.Select(row => new VectorRow { Label = row.Label, Features = part(row.Features) })]);
        return Accuracies(mlContext, View(training), View(testing));
    }

    // The features are computed once for all strengths; a row's vector is sparse.
    private static IReadOnlyList<double> OfWords(MLContext mlContext, List<LabeledDocument> training, List<LabeledDocument> testing)
    {
        var texts = Texts(mlContext, training);
        var features = mlContext.Transforms.Text.FeaturizeText("Features", "Text").Fit(texts);
        return Accuracies(mlContext, mlContext.Data.Cache(features.Transform(texts)), mlContext.Data.Cache(features.Transform(Texts(mlContext, testing))));
    }

    private static IReadOnlyList<double> Accuracies(MLContext mlContext, IDataView training, IDataView testing) => [.. s_strengths.Select(strength =>
    {
        var model = mlContext.Transforms.Conversion.MapValueToKey("Label")
            .Append(mlContext.MulticlassClassification.Trainers.LbfgsMaximumEntropy(l1Regularization: strength.L1, l2Regularization: strength.L2))
            .Fit(training);
        return mlContext.MulticlassClassification.Evaluate(model.Transform(testing)).MicroAccuracy;
    })];

    /// <summary>The vectors of documents, in their order.</summary>
    internal static List<VectorRow> Encode(MLContext mlContext, ITransformer model, List<LabeledDocument> documents)
        => [.. mlContext.Data.CreateEnumerable<VectorRow>(model.Transform(Texts(mlContext, documents)), reuseRowObject: false, ignoreMissingColumns: true)];

    internal static IDataView Texts(MLContext mlContext, List<LabeledDocument> documents)
        => mlContext.Data.LoadFromEnumerable(documents.Select(document => new TextRow { Label = document.Label, Text = document.Text }));

    // The same documents for every method.
    private static List<int> Draw(List<LabeledDocument> documents, int budget, int seed)
    {
        var chosen = new List<int>();
        foreach (var members in documents.Select((document, index) => (document.Label, index))
            .GroupBy(pair => pair.Label).OrderBy(group => group.Key, StringComparer.Ordinal))
        {
            int[] indices = [.. members.Select(pair => pair.index)];
            new Random(seed).Shuffle(indices);
            chosen.AddRange(indices.Take(budget));
        }
        chosen.Sort();
        return chosen;
    }

    private sealed class Every(Stopwatch watch) : IProgress<Maha.Layers.Training.TrainingProgress>
    {
        private double _next = 10;

        public void Report(Maha.Layers.Training.TrainingProgress value)
        {
            if (watch.Elapsed.TotalSeconds < _next)
                return;
            _next = watch.Elapsed.TotalSeconds + 10;
            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"step {value.Step} of {value.TotalSteps}, loss {value.Loss:F3}, {watch.Elapsed.TotalSeconds:F0} s"));
        }
    }
}
