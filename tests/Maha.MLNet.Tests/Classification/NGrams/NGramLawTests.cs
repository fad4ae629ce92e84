using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.TestData.NGrams;

namespace Maha.MLNet.Tests.Classification.NGrams;

/// <summary>The laws of the n-grams beside the network, over made families: never worse than the prior, never of inverted sign, whatever the data.</summary>
public class NGramLawTests
{
    private const int Seeds = 4;

    public static TheoryData<string> OneText => [.. NGramTask.OneText];

    public static TheoryData<string> Twins => [.. NGramTask.Twins];

    public static TheoryData<string> Noise => [.. NGramTask.Noise];

    public static TheoryData<string> FewRows => [.. NGramTask.FewRows];

    [Theory]
    [MemberData(nameof(OneText))]
    public void AClassOfOneText_IsRightOnIt(string family)
        => Judge(family, judged =>
        {
            Assert.Equal(1, judged.Accuracy);
            Assert.InRange(judged.LogLoss / judged.Count, 0, 0.05);
        });

    [Theory]
    [MemberData(nameof(Twins))]
    public void TextsOfTwoLabels_HaveTheirShare(string family) => Judge(family, judged => Assert.InRange(judged.LargestShareError, 0, 0.1));

    /// <summary>The mean of the seeds; a seed in a hundred has labels with a reason that nobody meant.</summary>
    [Theory]
    [MemberData(nameof(Noise))]
    public void LabelsWithoutReason_CostNoMoreThanThePrior(string family)
    {
        var ratios = new List<double>();
        Judge(family, judged => ratios.Add(judged.LogLoss / judged.PriorLogLoss));
        Assert.True(ratios.Average() <= 1.02 && ratios.Max() <= 1.1, string.Join(' ', ratios));
    }

    /// <summary>FeaturizeText and SdcaMaximumEntropy have 0.96 to 1 there (bench ngrams --bag-of-words).</summary>
    [Theory]
    [MemberData(nameof(FewRows))]
    public void FewRowsOfAClass_AreEnough(string family)
    {
        var accuracies = new List<double>();
        Judge(family, judged =>
        {
            accuracies.Add(judged.Accuracy);
            Assert.True(judged.LogLoss < judged.PriorLogLoss);
        });
        Assert.True(accuracies.Average() >= 0.98, string.Join(' ', accuracies));
    }

    /// <summary>What stands beside one text of a class, in words of its own, is learned as if that class was not there.</summary>
    [Fact]
    public void AClassOfOneText_LeavesTheOthersAsTheyWere()
    {
        var family = NGramTask.Make("template-and-topics", seed: 1);
        var (documents, tokenizer) = Tokenized(family.Training);
        using var _ = documents;
        var model = new NGramTrainer(documents, 3, ClassWeighting.None, 1, new ParallelOptions()).Fit([]).Model;
        // New documents of the topics, and the text with something behind it.
        foreach (var (text, label) in new[] { ("the river and its boat, fish in the stream", 0), ("oil for the engine, a wheel and the brake", 1), ("This message was deleted by its author.", 2) })
            Assert.Equal(label, Best(model.Logits(text)));
    }

    [Fact]
    public void TenThousandClasses_AreTold()
    {
        const int classes = 10_000;
        ClassifiedText[] rows = [.. Enumerable.Range(0, 2 * classes).Select(i => new ClassifiedText($"k{i % classes}a k{i % classes}b common w{i % 50}", i % classes))];
        var (documents, tokenizer) = Tokenized(rows);
        using var _ = documents;
        var model = new NGramTrainer(documents, classes, ClassWeighting.None, 1, new ParallelOptions()).Fit([]).Model;
        for (int c = 0; c < classes; c += 97)
            Assert.Equal(c, Best(model.Logits($"w7 k{c}b")));

        using var stream = new MemoryStream();
        model.Save(stream);
        stream.Position = 0;
        var loaded = NGramClassifier.Load(stream, classes, format: 3);
        Assert.Equal(model.Logits("k77a w3"), loaded.Logits("k77a w3"));
        byte[] saved = stream.ToArray();
        foreach (byte[] damaged in new[] { saved[..^1], [.. saved, 0], Changed(saved, 16, 7), Changed(saved, saved.Length / 2, 0xFF, 4096) })
            Assert.EndsWith("save the model again.", Assert.Throws<InvalidDataException>(() => NGramClassifier.Load(new MemoryStream(damaged), classes, format: 3)).Message, StringComparison.Ordinal);
    }

    /// <summary>Where the time is over: some documents, each class among them, and none that validates.</summary>
    [Fact]
    public void ASample_HasEveryClass_AndTells()
    {
        var rows = NGramTask.Make("noise-2-60", 1).Training.Concat(Enumerable.Range(0, 9000).Select(i => new ClassifiedText($"word{i % 3} some other words", i % 3))).Append(new ClassifiedText("alone", 3)).ToArray();
        var (documents, tokenizer) = Tokenized(rows);
        using var _ = documents;
        var fit = new NGramTrainer(documents, 4, ClassWeighting.None, 1, new ParallelOptions()).FitSample([.. Enumerable.Range(100, 50)]);
        Assert.InRange(fit.NumDocuments, 1000, 2000);
        for (int c = 0; c < 3; c++)
            Assert.Equal(c, Best(fit.Model.Logits($"word{c} some other words")));
        // One document of nine thousand is a class still.
        Assert.True(fit.Model.Logits("alone")[3] > fit.Model.Logits("word0")[3]);
    }

    [Fact]
    public void Canceled_Throws_AndFitsNothing()
    {
        var (documents, tokenizer) = Tokenized(NGramTask.Make("noise-5-200", 1).Training);
        using var _ = documents;
        var canceled = new ParallelOptions { CancellationToken = new CancellationToken(true) };
        Assert.ThrowsAny<OperationCanceledException>(() => new NGramTrainer(documents, 5, ClassWeighting.None, 1, canceled).Fit([]));
    }

    private static void Judge(string name, Action<NGramScore> check)
    {
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var family = NGramTask.Make(name, seed);
            var (documents, tokenizer) = Tokenized(family.Training);
            using var _ = documents;
            var model = new NGramTrainer(documents, family.NumClasses, ClassWeighting.None, seed, new ParallelOptions()).Fit([]).Model;
            check(NGramScore.Evaluate(family, [.. family.Testing.Select(row => NGramScore.Probabilities(model.Logits(row.Text)))]));
        }
    }

    private static (TokenizedDataset Documents, ByteLevelBpeTokenizer Tokenizer) Tokenized(IEnumerable<ClassifiedText> rows)
    {
        var tokenizer = ByteLevelBpeTokenizer.Train(Array.Empty<string>());
        return (TokenizedDataset.FromTexts(rows.Select(row => (row.Text, row.Label)), tokenizer, new TokenizedDatasetOptions { KeepTexts = true }), tokenizer);
    }

    private static int Best(double[] logits) => Array.IndexOf(logits, logits.Max());

    private static byte[] Changed(byte[] bytes, int place, byte value, int count = 1)
    {
        byte[] changed = [.. bytes];
        changed.AsSpan(place, count).Fill(value);
        return changed;
    }
}
