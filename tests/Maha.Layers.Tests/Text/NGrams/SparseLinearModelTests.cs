using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class SparseLinearModelTests
{
    /// <summary>Words of one class predict it, and have no weight for other classes.</summary>
    [Fact]
    public void Fit_LearnsTheWordsOfTheClasses()
    {
        const int classes = 100;
        var random = new Random(1);
        // A document of class c has feature 2c or 2c + 1, and one of fifty features that all classes have.
        SparseVector[] vectors = [.. Enumerable.Range(0, 5 * classes)
            .Select(i => new SparseVector([2 * (i % classes) + i / classes % 2, 2 * classes + random.Next(50)], [0.7f, 0.7f]))];
        int[] labels = [.. Enumerable.Range(0, 5 * classes).Select(i => i % classes)];
        double[] prior = [.. Enumerable.Repeat(1.0 / classes, classes)];
        var model = SparseLinearModel.Fit(row => vectors[row], labels, null, [.. Enumerable.Range(0, labels.Length)], 2 * classes + 50, prior, 1, default);
        var scores = new SparseScores(classes);
        for (int c = 0; c < classes; c++)
        {
            scores.Clear();
            model.Score(new SparseVector([2 * c, 2 * classes + c % 50], [0.7f, 0.7f]), scores);
            Assert.Equal(c, scores.Touched.MaxBy(other => scores[other]));
        }
        Assert.All(Enumerable.Range(0, classes), c => Assert.Equal(1, model.Ends[2 * c] - (c == 0 ? 0 : model.Ends[2 * c - 1])));
    }
}
