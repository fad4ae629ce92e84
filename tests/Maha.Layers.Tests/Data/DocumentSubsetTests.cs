using Maha.Layers.Data;
using Maha.Layers.Tests.Training;
using static TorchSharp.torch;


namespace Maha.Layers.Tests.Data;

public class DocumentSubsetTests
{
    [Theory]
    [InlineData(0.1)]
    [InlineData(0.37)]
    [InlineData(0.9)]
    public void Split_TakesEachDocumentOnce_AndTheFractionOfEachClass(double fraction)
    {
        int[] sizes = [100, 40, 10, 1];
        int[] labels = [.. sizes.SelectMany((size, label) => Enumerable.Repeat(label, size))];
        using var documents = TokenizedDataset.FromTokenIds(labels.Select((label, i) => (new[] { i }, label)));

        var (training, validation) = DocumentSubset.Split(documents, fraction, seed: 5);

        Assert.Equal(Enumerable.Range(0, labels.Length), training.Rows.Concat(validation!.Rows).Order());
        for (int label = 0; label < sizes.Length; label++)
        {
            int taken = validation.Rows.Count(row => labels[row] == label);
            Assert.InRange(taken, Math.Floor(fraction * sizes[label]) - 1, Math.Ceiling(fraction * sizes[label]) + 1);
            Assert.True(taken < sizes[label], $"class {label} has no document left to train on");
        }
    }

    [Fact]
    public void ManySmallClasses_StillGiveTheFraction()
    {
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 100).Select(i => (new[] { i }, i / 2)));
        Assert.Equal(10, DocumentSubset.Split(documents, 0.1, seed: 5).Validation!.Count);
    }

    [Fact]
    public void Split_DependsOnTheSeedAlone()
    {
        using var documents = Toys.Documents(200);
        var first = DocumentSubset.Split(documents, 0.2, 1).Validation!;
        Assert.Equal(first.Rows, DocumentSubset.Split(documents, 0.2, 1).Validation!.Rows);
        Assert.NotEqual(first.Rows, DocumentSubset.Split(documents, 0.2, 2).Validation!.Rows);
    }

    [Fact]
    public void Split_KeepsTheOrderOfTheDocuments()
    {
        // The classes take turns, so that the documents of a class are not neighbors.
        using var documents = Toys.Documents(200);
        var (training, validation) = DocumentSubset.Split(documents, 0.4, 1);
        Assert.Equal(training.Rows.Order(), training.Rows);
        Assert.Equal(validation!.Rows.Order(), validation.Rows);
    }

    [Fact]
    public void Subset_ReadsTheDocumentsOfItsRows()
    {
        using var documents = Toys.Documents(50);
        var (_, validation) = DocumentSubset.Split(documents, 0.3, 1);
        for (int i = 0; i < validation!.Count; i++)
        {
            int row = validation.Rows[i];
            int[] expected = new int[documents.LengthOf(row)], actual = new int[validation.LengthOf(i)];
            documents.CopyTokens(row, expected);
            validation.CopyTokens(i, actual);
            Assert.Equal(expected, actual);
            Assert.Equal(documents.LabelOf(row), validation.LabelOf(i));
        }
    }

    [Fact]
    public void SingleDocument_StaysInTraining()
    {
        using var documents = Toys.Documents(1);
        var (training, validation) = DocumentSubset.Split(documents, 0.9, 1);
        Assert.Equal(1, training.Count);
        Assert.Null(validation);
    }

    [Fact]
    public void DrawnParts_AreThoseOfTheWholeCollection()
    {
        // Of 20 tokens in windows of 6, a batch draws three windows, which may be shorter than the longest three.
        using var scope = NewDisposeScope();
        var tokenizer = SmallWordPiece.Create();
        using var raw = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 12).Select(i => (Enumerable.Repeat(5 + i, 15 + i).ToArray(), i % 2)));
        var documents = new WindowedDocuments(raw, new TokenWindows(tokenizer, 8), 3, fixedSeed: null);
        var (training, validation) = DocumentSubset.Split(documents, 0.3, seed: 1);
        foreach (var subset in new[] { training, validation! })
        {
            for (int i = 0; i < subset.Count; i++)
            {
                using var part = TokenBatch.Create(subset, [i], seed: 7);
                using var whole = TokenBatch.Create(documents, [subset.Rows[i]], seed: 7);
                Assert.Equal(whole.TokenIds.data<long>().ToArray(), part.TokenIds.data<long>().ToArray());
            }
        }
    }
}
