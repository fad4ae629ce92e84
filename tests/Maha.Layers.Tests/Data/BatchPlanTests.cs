using FsCheck;
using FsCheck.Fluent;
using Maha.Layers.Data;

namespace Maha.Layers.Tests.Data;

public class BatchPlanTests
{
    private static readonly int[] s_longTailed = [.. Enumerable.Range(0, 5000).Select(i => (int)Math.Exp(new Random(i).NextDouble() * 7))];

    [Fact]
    public void Plans_SatisfyTheirInvariants()
    {
        var cases =
            from lengths in Gen.ArrayOf(Gen.Frequency((5, Gen.Choose(0, 30)), (1, Gen.Choose(0, 2000))))
            from budget in Gen.Choose(1, 400)
            from seed in Gen.Choose(0, 1000)
            select (lengths, budget, seed);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(cases.ToArbitrary(), sample =>
        {
            AssertLaws(BatchPlan.Shuffled(sample.lengths, sample.budget, sample.seed, 1), sample.lengths, sample.budget);
            AssertLaws(BatchPlan.ByLength(sample.lengths, sample.budget), sample.lengths, sample.budget);
        }));
    }

    [Fact]
    public void Steps_CoverThePlanInOrder_AndHaveEnoughDocuments()
    {
        var cases =
            from sizes in Gen.ArrayOf(Gen.Choose(1, 9))
            from minBatches in Gen.Choose(1, 5)
            from minDocuments in Gen.Choose(1, 40)
            select (sizes, minBatches, minDocuments);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(cases.ToArbitrary(), sample =>
        {
            int[][] plan = [.. sample.sizes.Select(size => new int[size])];
            var steps = BatchPlan.Steps(plan, sample.minBatches, sample.minDocuments);
            Assert.Equal(Enumerable.Range(0, plan.Length), steps.SelectMany(step => Enumerable.Range(step.Start.Value, step.End.Value - step.Start.Value)));
            int[] documents = [.. steps.Select(step => plan[step].Sum(batch => batch.Length))];
            Assert.All(documents, count => Assert.True(count >= Math.Min(sample.minDocuments, sample.sizes.Sum())));
            Assert.All(steps.SkipLast(1), step => Assert.True(plan[step].Length >= sample.minBatches));
            // A step ends as soon as it may; the last one may hold what is left.
            Assert.All(steps.SkipLast(1), step => Assert.True(
                plan[step].Length <= sample.minBatches || plan[step][..^1].Sum(batch => batch.Length) < sample.minDocuments));
        }));
    }

    [Theory]
    [InlineData(1, 7)]
    [InlineData(3, 3)]
    public void StepsOfAnyNumberOfDocuments_AreAccumulatedBatches(int accumulation, int expected)
    {
        int[][] plan = [.. Enumerable.Range(0, 7).Select(_ => new int[2])];
        Assert.Equal(expected, BatchPlan.Steps(plan, accumulation, 1).Length);
    }

    [Fact]
    public void Epochs_AreShuffledAnew_AndRepeat()
    {
        int[][] first = BatchPlan.Shuffled(s_longTailed, 2000, 7, 1);
        Assert.Equal(first, BatchPlan.Shuffled(s_longTailed, 2000, 7, 1));
        Assert.NotEqual(first, BatchPlan.Shuffled(s_longTailed, 2000, 7, 2));
        Assert.NotEqual(first, BatchPlan.Shuffled(s_longTailed, 2000, 8, 1));
        // Not only the order of the batches differs but also their members, except a few pairs of the longest documents.
        var groups = first.Select(batch => string.Join(',', batch.Order())).ToHashSet();
        int again = BatchPlan.Shuffled(s_longTailed, 2000, 7, 2).Count(batch => batch.Length > 1 && groups.Contains(string.Join(',', batch.Order())));
        Assert.InRange(again, 0, first.Length / 20);
    }

    [Fact]
    public void Batches_ComeInRandomOrderOfLength()
    {
        int[] longest = [.. BatchPlan.Shuffled(s_longTailed, 2000, 7, 1).Select(batch => s_longTailed[batch[^1]])];
        int rises = longest.Zip(longest.Skip(1)).Count(pair => pair.First < pair.Second);
        Assert.InRange((double)rises / longest.Length, 0.35, 0.65);
    }

    [Fact]
    public void LongTailedLengths_ArePaddedByUnderATenth()
    {
        long padded = BatchPlan.Shuffled(s_longTailed, 8192, 3, 1).Sum(batch => (long)batch.Length * batch.Max(row => s_longTailed[row]));
        Assert.InRange((double)padded / s_longTailed.Sum(length => (long)length), 1, 1.1);
    }

    [Fact]
    public void Plan_IsTheSameEverywhere()
    {
        // Constants: a seed must give the same batches on every machine and in every version.
        int[][] plan = BatchPlan.Shuffled([3, 1, 4, 1, 5, 9, 2, 6], 12, 42, 1);
        Assert.Equal("5 | 7 | 2 4 | 1 3 6 0", string.Join(" | ", plan.Select(batch => string.Join(' ', batch))));
    }

    private static void AssertLaws(int[][] plan, int[] lengths, int budget)
    {
        Assert.Equal(Enumerable.Range(0, lengths.Length), plan.SelectMany(batch => batch).Order());
        foreach (int[] batch in plan)
        {
            Assert.NotEmpty(batch);
            if (batch.Length > 1)
                Assert.InRange(batch.Length * (long)Math.Max(1, batch.Max(row => lengths[row])), 1, budget);
        }
    }
}
