using Maha.Layers.Distributed;

namespace Maha.Layers.Tests.Distributed;

public class StepShareTests
{
    [Fact]
    public void TheShares_AreTheStep_EveryDocumentOnce()
    {
        var random = new Random(1);
        for (int trial = 0; trial < 500; trial++)
        {
            int size = random.Next(1, 9), next = 0;
            int[][] batches = [.. Enumerable.Range(0, random.Next(1, 14)).Select(_ => Enumerable.Range(0, random.Next(1, 6)).Select(_ => next++).ToArray())];
            int first = random.Next(batches.Length);
            var step = first..random.Next(first + 1, batches.Length + 1);
            var shares = Enumerable.Range(0, size).Select(rank => StepShare.Of(batches, step, rank, size).ToArray()).ToArray();
            Assert.Equal(batches[step].SelectMany(rows => rows).Order(), shares.SelectMany(share => share.SelectMany(part => part.Rows)).Order());
            Assert.All(shares.SelectMany(share => share), part => Assert.Subset(batches[part.Batch].ToHashSet(), part.Rows.ToHashSet()));
        }
    }

    [Fact]
    public void OneProcess_HasTheBatchesThemselves()
    {
        int[][] batches = [[1, 2], [3], [4, 5]];
        Assert.Equal([(1, batches[1]), (2, batches[2])], StepShare.Of(batches, 1..3, 0, 1));
    }

    [Theory]
    [InlineData(8, 2)]
    [InlineData(9, 4)]
    [InlineData(3, 4)]
    public void BatchesOfOneDocument_AreDealtOut(int count, int size)
    {
        int[][] batches = [.. Enumerable.Range(0, count).Select(row => new[] { row })];
        int[] counts = [.. Enumerable.Range(0, size).Select(rank => StepShare.Of(batches, 0..count, rank, size).Count())];
        Assert.True(counts.Max() - counts.Min() <= 1, string.Join(' ', counts));
    }
}
