using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification.NGrams;

/// <summary>N-grams beside the network.</summary>
public class NGramClassifierTests
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void Words_AreLearned_WhereTheNetworkHasHadOneEpoch()
    {
        var test = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(100, seed: 2));
        double Reached(bool ngrams)
        {
            using var model = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.LearningRate, options.ValidationFraction) = (ngrams, 1e-4, 0.2))
                .Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(60)));
            return _mlContext.BinaryClassification.Evaluate(model.Transform(test)).Accuracy;
        }
        Assert.InRange(Reached(false), 0, 0.8);
        Assert.InRange(Reached(true), 0.98, 1);
    }

    /// <summary>The same words in another order: the n-grams only guess, and leave it to the network.</summary>
    [Fact]
    public void WhatOnlyTheNetworkSees_IsLeftToIt()
    {
        using var model = Toys.BinaryTrainer(_mlContext, options =>
        {
            (options.NGrams, options.MaxSequenceLength, options.Window) = (true, 96, 16);
            (options.LearningRate, options.Dropout, options.ValidationFraction) = (0.01, 0, 0.15);
            options.EarlyStoppingPatience = null;
        }, epochs: 20).Fit(_mlContext.Data.LoadFromEnumerable(Ordered(400, seed: 1)));
        double accuracy = _mlContext.BinaryClassification.Evaluate(model.Transform(_mlContext.Data.LoadFromEnumerable(Ordered(200, seed: 2)))).Accuracy;
        Assert.True(accuracy >= 0.9, $"accuracy {accuracy}");
    }

    [Fact]
    public void WhatWasCutOff_IsNotRead()
    {
        var random = new Random(1);
        List<Verdict> LastWordTells(int count) => [.. Enumerable.Range(0, count).Select(i => new Verdict { Label = i % 2 == 1, Text = $"{Toys.Filler(random, 26)} {(i % 2 == 1 ? "zebra" : "quartz")}" })];
        var (train, test) = (_mlContext.Data.LoadFromEnumerable(LastWordTells(120)), _mlContext.Data.LoadFromEnumerable(LastWordTells(100)));
        double Reached(int length)
        {
            using var model = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.MaxSequenceLength) = (true, length)).Fit(train);
            return _mlContext.BinaryClassification.Evaluate(model.Transform(test)).Accuracy;
        }
        Assert.InRange(Reached(64), 0.98, 1);
        Assert.InRange(Reached(16), 0, 0.65);
    }

    [Fact]
    public void Loaded_ScoresAreTheSame()
    {
        var data = Toys.Keyed(_mlContext, Toys.Documents(40));
        using var model = Toys.Trainer(_mlContext, options => (options.NGrams, options.ValidationFraction) = (true, 0.2)).Fit(data);
        var zip = new ModelZip(ModelZip.Save(_mlContext, model, data.Schema));
        Assert.NotEmpty(zip["NGrams"]);
        using var loaded = (MahaTextClassificationTransformer)ModelZip.Load(zip.ToArray());
        Assert.Equal(Rows.Of(model.Transform(data)), Rows.Of(loaded.Transform(data)));
    }

    [Fact]
    public void DamagedStream_Throws()
    {
        var data = Toys.Keyed(_mlContext, Toys.Documents(20));
        using var model = Toys.Trainer(_mlContext, options => options.NGrams = true).Fit(data);
        byte[] saved = ModelZip.Save(_mlContext, model, data.Schema);
        byte[] whole = new ModelZip(saved)["NGrams"];
        byte[] Changed(int place, byte value)
        {
            byte[] changed = [.. whole];
            changed[place] = value;
            return changed;
        }
        byte[] twice = [.. whole];
        whole.AsSpan(20, 8).CopyTo(twice.AsSpan(28)); // the first hash once more
        foreach (byte[] damaged in new[] { [], whole[..7], whole[..(whole.Length / 2)], [.. whole, 0], Changed(0, 200), Changed(3, 0x7F), Changed(4, 9), twice })
        {
            var zip = new ModelZip(saved) { ["NGrams"] = damaged };
            zip.Sign();
            var refusal = Failures.Root(Assert.ThrowsAny<Exception>(() => ModelZip.Load(zip.ToArray())));
            Assert.EndsWith("The file is damaged: save the model again.", Assert.IsType<MahaModelFileException>(refusal).Message, StringComparison.Ordinal);
        }
        var missing = new ModelZip(saved);
        missing.Remove("NGrams");
        Assert.Contains("must hold the stream 'NGrams'", Failures.Root(Assert.ThrowsAny<Exception>(() => ModelZip.Load(missing.ToArray()))).Message);
    }

    [Fact]
    public void Training_Repeats_AndValidationSetsAreNotLearned()
    {
        var (data, validation) = (_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(40)), _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(20, seed: 3)));
        MahaBinaryTextClassificationTransformer Fit(IDataView? set) => Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.ValidationSet) = (true, set)).Fit(data);
        using var first = Fit(validation);
        using var second = Fit(validation);
        Assert.Equal(Rows.Of(first.Transform(data)), Rows.Of(second.Transform(data)));
        var zips = new[] { first, Fit(null) }.Select(model => new ModelZip(ModelZip.Save(_mlContext, model, data.Schema))["NGrams"]);
        Assert.Equal(zips.First(), zips.Last());
    }

    [Fact]
    public void CancelWithKeepBest_LeavesTheNGrams()
    {
        using var source = new CancellationTokenSource();
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(60));
        using var model = Toys.BinaryTrainer(_mlContext, options =>
        {
            (options.NGrams, options.CancellationBehavior, options.CancellationToken) = (true, CancellationBehavior.KeepBest, source.Token);
            options.Progress = new AtOnce(source.Cancel);
        }, epochs: 50).Fit(data);
        Assert.InRange(_mlContext.BinaryClassification.Evaluate(model.Transform(data)).Accuracy, 0.98, 1);
    }

    /// <summary>Labels without any reason: whoever sees the documents that it judges is right.</summary>
    [Fact]
    public void HeldOutLogits_KnowNothingOfTheirLabels()
    {
        var (documents, tokenizer, labels) = Unreasonable(120);
        using var _ = documents;
        int[] validating = [.. Enumerable.Range(0, 60)];
        var fit = new NGramTrainer(documents, 2, ClassWeighting.None, 1, new ParallelOptions()).Fit(validating);
        double Accuracy(Func<int, double[]> logits) => validating.Count(row => logits(row)[labels[row]] > logits(row)[1 - labels[row]]) / 60.0;
        Assert.InRange(Accuracy(fit.HeldOutLogits), 0.2, 0.7);
    }

    [Fact]
    public void ALabel_ReachesNoFeatureOfItsOwnFold()
    {
        var (documents, tokenizer, labels) = Unreasonable(60);
        using var _ = documents;
        var (vocabulary, contents) = Fitting(documents).LearnVocabulary([.. Enumerable.Range(0, 60)]);
        var folds = StackFolds.Choose(contents, labels, null, [], seed: 1);
        double[]?[] Features(ITextDocuments of)
        {
            // The same folds for both: only what the models learn may differ.
            var texts = new NGramTrainer.IndexedDocuments(Fitting(of), vocabulary);
            var fitting = new StackedScorerTrainer(texts, [.. Enumerable.Range(0, 60).Select(of.LabelOf)], null, [0.5, 0.5], 1, new ParallelOptions());
            return fitting.OutOfFoldFeatures(fitting.Vectors([.. Enumerable.Range(0, 60)]), folds);
        }
        double[]?[] before = Features(documents);
        double[]?[] after = Features(new Relabeled(documents, row: 7, 1 - labels[7]));
        for (int row = 0; row < 60; row++)
            Assert.Equal(folds.Folds[row] == folds.Folds[7], before[row]!.SequenceEqual(after[row]!));

        NGramTrainer Fitting(ITextDocuments of) => new(of, 2, ClassWeighting.None, 1, new ParallelOptions());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void FewDocuments_AreEnough(int count)
    {
        var texts = Toys.Verdicts(count);
        using var model = Toys.BinaryTrainer(_mlContext, options => options.NGrams = true).Fit(_mlContext.Data.LoadFromEnumerable(texts));
        Assert.All(_mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(_mlContext.Data.LoadFromEnumerable(texts)), false), row => Assert.True(float.IsFinite(row.Score)));
    }

    [Fact]
    public void EmptyAndStrangeTexts_HaveScores()
    {
        var texts = Toys.Verdicts(20);
        (texts[0].Text, texts[1].Text, texts[2].Text) = ("", null, "\ud800 \u0000");
        var data = _mlContext.Data.LoadFromEnumerable(texts);
        using var model = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.ClassWeighting) = (true, ClassWeighting.Balanced)).Fit(data);
        Assert.All(_mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), false), row => Assert.True(float.IsFinite(row.Score)));
    }

    [Fact]
    public void ManyThreads_PredictAlike()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(30));
        using var model = Toys.BinaryTrainer(_mlContext, options => options.NGrams = true).Fit(data);
        var expected = Rows.Of(model.Transform(data));
        Parallel.For(0, 8, _ => Assert.Equal(expected, Rows.Of(model.Transform(data))));
    }

    // Every document has words that one other has too, of whatever label.
    private static (TokenizedDataset Documents, ByteLevelBpeTokenizer Tokenizer, int[] Labels) Unreasonable(int count)
    {
        var random = new Random(5);
        string[] texts = [.. Enumerable.Range(0, count).Select(i => string.Join(' ', Enumerable.Range(0, 12).Select(k => $"w{(i * 12 + k) / 2 + random.Next(40)}")))];
        int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(2))];
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 400 });
        return (TokenizedDataset.FromTexts(texts.Zip(labels), tokenizer, new TokenizedDatasetOptions { KeepTexts = true }), tokenizer, labels);
    }

    private static IEnumerable<Verdict> Ordered(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            bool label = i % 2 == 1;
            var (first, second) = label ? ("zebra", "quartz") : ("quartz", "zebra");
            yield return new Verdict { Label = label, Text = $"{Toys.Filler(random, 16 + random.Next(6))} {first} {Toys.Filler(random, 18 + random.Next(6))} {second} {Toys.Filler(random, 16 + random.Next(6))}" };
        }
    }

    private sealed class Relabeled(ITextDocuments documents, int row, int label) : ITextDocuments
    {
        public int Count => documents.Count;

        public bool HasLabels => true;

        public string TextOf(int index) => documents.TextOf(index);

        public int LengthOf(int index) => documents.LengthOf(index);

        public int LabelOf(int index) => index == row ? label : documents.LabelOf(index);

        public void CopyTokens(int index, Span<int> destination) => documents.CopyTokens(index, destination);
    }

    private sealed class AtOnce(Action action) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => action();
    }
}
