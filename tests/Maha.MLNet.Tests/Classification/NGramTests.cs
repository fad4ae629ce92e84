using Maha.Layers.Data;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>Classifiers of n-grams and network.</summary>
public class NGramTests
{
    private readonly MLContext _mlContext = new(1);

    [Fact]
    public void Words_AreLearned_WhereTheNetworkHasHadOneEpoch()
    {
        var test = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(100, seed: 2));
        double Reached(bool ngrams)
        {
            using var model = Toys.BinaryTrainer(_mlContext,
                options => (options.NGrams, options.LearningRate, options.ValidationFraction) = (ngrams, 1e-4, 0.2))
                .Fit(_mlContext.Data.LoadFromEnumerable(Toys.Verdicts(60)));
            return _mlContext.BinaryClassification.Evaluate(model.Transform(test)).Accuracy;
        }
        Assert.InRange(Reached(false), 0, 0.8);
        Assert.InRange(Reached(true), 0.98, 1);
    }

    /// <summary>The classes differ in the order of their words only: the n-grams cannot tell them apart, and the network's logits decide.</summary>
    [Fact]
    public void ClassesOfDifferentWordOrder_AreLearnedByTheNetwork()
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
    public void CutOffPart_IsNotRead()
    {
        var random = new Random(1);
        var train = _mlContext.Data.LoadFromEnumerable(ClassByLastWord(120));
        var test = _mlContext.Data.LoadFromEnumerable(ClassByLastWord(100));
        double Reached(int length)
        {
            using var model = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.MaxSequenceLength) = (true, length)).Fit(train);
            return _mlContext.BinaryClassification.Evaluate(model.Transform(test)).Accuracy;
        }
        Assert.InRange(Reached(64), 0.98, 1);
        Assert.InRange(Reached(16), 0, 0.65);

        List<Verdict> ClassByLastWord(int count) => [.. Enumerable.Range(0, count).Select(
            i => new Verdict { Label = i % 2 == 1, Text = $"{Toys.Filler(random, 26)} {(i % 2 == 1 ? "zebra" : "quartz")}" })];
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
        whole.AsSpan(20, 8).CopyTo(twice.AsSpan(28)); // the first hash twice
        foreach (byte[] damaged in new[] { [], whole[..7], whole[..(whole.Length / 2)], [.. whole, 0], Changed(0, 200),
            Changed(3, 0x7F), Changed(4, 9), twice })
        {
            var zip = new ModelZip(saved) { ["NGrams"] = damaged };
            zip.Sign();
            string message = Failures.AssertRefused<MahaModelFileException>(zip.ToArray());
            Assert.StartsWith("The n-gram stream must ", message, StringComparison.Ordinal);
            Assert.EndsWith("The file is damaged: save the model again.", message, StringComparison.Ordinal);
        }
        var missing = new ModelZip(saved);
        missing.Remove("NGrams");
        Assert.Contains("must hold the stream 'NGrams'", Failures.AssertRefused<MahaModelFileException>(missing.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void Training_Repeats_AndValidationSetsAreNotLearned()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(40));
        var validation = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(20, seed: 3));
        MahaBinaryTextClassificationTransformer Fit(IDataView? set)
            => Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.ValidationSet) = (true, set)).Fit(data);
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
            options.Progress = new AtOnce(_ => source.Cancel());
        }, epochs: 50).Fit(data);
        Assert.InRange(_mlContext.BinaryClassification.Evaluate(model.Transform(data)).Accuracy, 0.98, 1);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void FewDocuments_AreEnough(int count)
    {
        var texts = Toys.Verdicts(count);
        using var model = Toys.BinaryTrainer(_mlContext, options => options.NGrams = true).Fit(_mlContext.Data.LoadFromEnumerable(texts));
        var predictions = _mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(_mlContext.Data.LoadFromEnumerable(texts)), false);
        Assert.All(predictions, row => Assert.True(float.IsFinite(row.Score)));
    }

    [Fact]
    public void EmptyAndUnusualTexts_HaveScores()
    {
        var texts = Toys.Verdicts(20);
        (texts[0].Text, texts[1].Text, texts[2].Text) = ("", null, "\ud800 \u0000");
        var data = _mlContext.Data.LoadFromEnumerable(texts);
        using var model = Toys.BinaryTrainer(_mlContext, options => (options.NGrams, options.ClassWeighting) = (true, ClassWeighting.Balanced)).Fit(data);
        var predictions = _mlContext.Data.CreateEnumerable<BinaryPrediction>(model.Transform(data), false);
        Assert.All(predictions, row => Assert.True(float.IsFinite(row.Score)));
    }

    [Fact]
    public void ManyThreads_PredictTheSame()
    {
        var data = _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(30));
        using var model = Toys.BinaryTrainer(_mlContext, options => options.NGrams = true).Fit(data);
        var expected = Rows.Of(model.Transform(data));
        Parallel.For(0, 8, _ => Assert.Equal(expected, Rows.Of(model.Transform(data))));
    }

    private static IEnumerable<Verdict> Ordered(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            bool label = i % 2 == 1;
            var (first, second) = label ? ("zebra", "quartz") : ("quartz", "zebra");
            string Filler(int least) => Toys.Filler(random, least + random.Next(6));
            yield return new Verdict { Label = label, Text = $"{Filler(16)} {first} {Filler(18)} {second} {Filler(16)}" };
        }
    }
}
