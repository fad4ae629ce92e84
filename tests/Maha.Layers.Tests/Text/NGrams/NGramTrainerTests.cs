using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class NGramTrainerTests
{
    /// <summary>The labels are random: only a model that was fitted to the documents can predict them.</summary>
    [Fact]
    public void HeldOutLogits_AreOfModelsThatDidNotSeeTheDocument()
    {
        var (documents, labels) = RandomLabels(120);
        using var _ = documents;
        int[] validating = [.. Enumerable.Range(0, 60)];
        var fit = new NGramTrainer(documents, 2, ClassWeighting.None, 1, new ParallelOptions()).Fit(validating);
        double Accuracy(Func<int, double[]> logits) => validating.Count(row => logits(row)[labels[row]] > logits(row)[1 - labels[row]]) / 60.0;
        Assert.InRange(Accuracy(fit.HeldOutLogits), 0.2, 0.7);
    }

    /// <summary>A sample is of the documents that are not held out, so that nothing in the model depends on what those say.</summary>
    [Fact]
    public void ASample_IsWithoutTheValidationDocuments()
    {
        var (documents, labels) = RandomLabels(120);
        using var _ = documents;
        int[] validating = [.. Enumerable.Range(0, 120).Where(row => row % 3 == 1)];
        double[][] Logits(IReadOnlyList<int> heldOut)
        {
            var fit = new NGramTrainer(documents, 2, ClassWeighting.None, 1, new ParallelOptions()).FitSample(heldOut);
            Assert.Equal(120 - heldOut.Count, fit.NumDocuments);
            return [.. validating.Select(fit.HeldOutLogits)];
        }
        double Accuracy(double[][] logits) =>
            logits.Zip(validating).Count(pair => pair.First[labels[pair.Second]] > pair.First[1 - labels[pair.Second]]) / 40.0;
        Assert.InRange(Accuracy(Logits(validating)), 0.2, 0.75);
        Assert.InRange(Accuracy(Logits([])), 0.9, 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_IsTheSameAfterSaving(bool isWeighted)
    {
        var (documents, _) = RandomLabels(60);
        using var owner = documents;
        documents.Weights = isWeighted ? [.. Enumerable.Range(0, 60).Select(row => 1f + (row % 3))] : null;
        int[] validating = [1, 5, 30];
        var fit = new NGramTrainer(documents, 2, ClassWeighting.None, 1, new ParallelOptions()).Fit(validating);
        using var stream = new MemoryStream();
        fit.Save(stream, validating);
        stream.Position = 0;
        var loaded = NGramFit.Load(stream, 2, format: 5);
        Assert.Equal((fit.NumDocuments, isWeighted), (loaded.NumDocuments, loaded.Weights is not null));
        Assert.Equal(fit.Contents, loaded.Contents);
        Assert.Equal(documents.Weights, loaded.Weights);
        Assert.All(validating, row => Assert.Equal(fit.HeldOutLogits(row), loaded.HeldOutLogits(row)));
        string text = ((ITextDocuments)documents).TextOf(2);
        Assert.Equal(fit.Model.Logits(text), loaded.Model.Logits(text));
    }

    [Fact]
    public void Label_ChangesNoFeatureOfItsOwnFold()
    {
        var (documents, labels) = RandomLabels(60);
        using var _ = documents;
        var (vocabulary, contents) = Trainer(documents).LearnVocabulary([.. Enumerable.Range(0, 60)]);
        var folds = StackFolds.Choose(contents, labels, null, [], seed: 1);
        double[]?[] Features(ITextDocuments of)
        {
            // The folds stay the same: only the models may differ.
            var indexed = new NGramTrainer.IndexedDocuments(Trainer(of), vocabulary);
            var trainer = new LinearPartsTrainer(indexed, LabelSets.FromClasses([.. Enumerable.Range(0, 60).Select(of.LabelOf)]), 2, 1, new ParallelOptions());
            return trainer.OutOfFoldFeatures(trainer.Vectors([.. Enumerable.Range(0, 60)]), folds);
        }
        double[]?[] before = Features(documents);
        double[]?[] after = Features(new Relabeled(documents, row: 7, 1 - labels[7]));
        for (int row = 0; row < 60; row++)
            Assert.Equal(folds.Folds[row] == folds.Folds[7], before[row]!.SequenceEqual(after[row]!));

        NGramTrainer Trainer(ITextDocuments of) => new(of, 2, ClassWeighting.None, 1, new ParallelOptions());
    }

    // Each document shares words with others, whose labels are random.
    private static (TokenizedDataset Documents, int[] Labels) RandomLabels(int count)
    {
        var random = new Random(5);
        string Text(int i) => string.Join(' ', Enumerable.Range(0, 12).Select(k => $"w{(i * 12 + k) / 2 + random.Next(40)}"));
        string[] texts = [.. Enumerable.Range(0, count).Select(Text)];
        int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(2))];
        var tokenizer = ByteLevelBpeTokenizer.Train(texts, new ByteLevelBpeTokenizerOptions { VocabSize = 400 });
        return (TokenizedDataset.FromTexts(texts.Zip(labels), tokenizer, new TokenizedDatasetOptions { KeepTexts = true }), labels);
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
}
