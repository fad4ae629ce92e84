using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class StackFoldsTests
{
    [Fact]
    public void Folds_KeepClassesInProportion_AndEqualTextsTogether()
    {
        int[] labels = [.. Enumerable.Range(0, 100).Select(i => i % 4 == 0 ? 1 : 0)];
        ulong[] contents = [.. Enumerable.Range(0, 100).Select(i => i < 5 ? 7UL : 100UL + (ulong)i)];
        var folds = StackFolds.Choose(contents, labels, null, [], seed: 1);
        Assert.Single(folds.Folds[..5].Distinct());
        Assert.Equal([0, 1, 2, 3, 4], folds.Folds.Distinct().Order());
        Assert.All(Enumerable.Range(0, 5), fold => Assert.InRange(Enumerable.Range(5, 95).Count(i => folds.Folds[i] == fold && labels[i] == 1), 3, 6));
        // Copies of a text of a class count as one document.
        Assert.Equal(1, Enumerable.Range(0, 5).Where(i => labels[i] == 0).Sum(i => folds.ScoredWeights[i]), 1e-12);
    }

    [Fact]
    public void ClassOfOneText_IsInEveryFold_AndOneOfOneDocumentIsNotScored()
    {
        int[] labels = [.. Enumerable.Range(0, 61).Select(i => i == 60 ? 2 : i % 2)];
        ulong[] contents = [.. Enumerable.Range(0, 61).Select(i => labels[i] == 1 ? 7UL : 100UL + (ulong)i)];
        var folds = StackFolds.Choose(contents, labels, null, [], seed: 1);
        Assert.All(Enumerable.Range(0, 5), fold => Assert.Equal(6, Enumerable.Range(0, 60).Count(i => labels[i] == 1 && folds.Folds[i] == fold)));
        Assert.Equal(Enumerable.Range(0, 60), folds.Scored);
    }

    [Fact]
    public void RemainingDocumentsOfAClass_CountAsTheWholeClass()
    {
        int[] labels = [.. Enumerable.Range(0, 14).Select(i => i < 4 ? 0 : 1)];
        var folds = StackFolds.Choose([.. Enumerable.Range(0, 14).Select(i => (ulong)i)], labels, null, [], seed: 1);
        for (int fold = 0; fold < folds.Count; fold++)
        {
            var (members, weights) = folds.TrainingSetOf(fold);
            Assert.All(members, row => Assert.NotEqual(fold, folds.Folds[row]));
            double small = members.Where(row => labels[row] == 0).Sum(row => weights[row]), all = members.Sum(row => weights[row]);
            Assert.Equal(4.0 / 14, small / all, 1e-6);
            Assert.Equal(members.Length, all, 1e-4);
        }
    }

    [Fact]
    public void VeryManyDocuments_AreScoredInOneFold_WithTheValidationDocuments()
    {
        const int count = 120_000;
        int[] labels = [.. Enumerable.Range(0, count).Select(i => i % 3)], validating = [.. Enumerable.Range(0, 5000).Select(i => i * 7)];
        var folds = StackFolds.Choose([.. Enumerable.Range(0, count).Select(i => (ulong)i)], labels, null, validating, seed: 1);
        Assert.Equal(1, folds.Count);
        Assert.All(validating, row => Assert.Equal(0, folds.Folds[row]));
        Assert.InRange(folds.Scored.Length, StackFolds.EnoughDocuments, 2 * StackFolds.EnoughDocuments);
    }
}
