using Maha.Layers.Data;
using Maha.Layers.Tests.Training;

namespace Maha.Layers.Tests.Data;

[Collection(AloneCollection.Name)]
public class TokenBatchTests
{
    [Fact]
    public void Batch_IsPaddedAtTheEnd()
    {
        using var documents = TokenizedDataset.FromTokenIds([(new[] { 7, 8 }, 1), ([], 0), ([4, 5, 6], 2), ([9], 0)]);
        using var batch = TokenBatch.Create(documents, [2, 0, 1]);
        Assert.Equal([3, 3], batch.TokenIds.shape);
        Assert.Equal([4, 5, 6, 7, 8, 0, 0, 0, 0], batch.TokenIds.data<long>().ToArray());
        Assert.Equal([false, false, false, false, false, true, true, true, true], batch.KeyPaddingMask!.data<bool>().ToArray());
        Assert.Equal([2, 1, 0], batch.Labels!.data<long>().ToArray());
        Assert.Equal([2, 1, 0], batch.LabelValues!);
        Assert.Equal([3, 2, 0], batch.Lengths);
        Assert.Equal([2, 0, 1], batch.Rows);
        Assert.Equal(5, batch.NumTokens);
    }

    [Fact]
    public void EqualLengths_NeedNoMask()
    {
        using var documents = TokenizedDataset.FromTokenIds([[7, 8], [4, 5]]);
        using var batch = TokenBatch.Create(documents, [0, 1]);
        Assert.Null(batch.KeyPaddingMask);
        Assert.Null(batch.Labels);
    }

    [Fact]
    public void EmptyDocuments_AreAllPadding()
    {
        using var documents = TokenizedDataset.FromTokenIds([[], []]);
        using var batch = TokenBatch.Create(documents, [0, 1]);
        Assert.Equal([2, 1], batch.TokenIds.shape);
        Assert.True(batch.KeyPaddingMask!.all().item<bool>());
    }

    [Fact]
    public void Dispose_FreesTheTensors()
    {
        using var documents = Toys.Documents(20);
        long before = TestTensors.CountLive();
        var batch = TokenBatch.Create(documents, [.. Enumerable.Range(0, 20)]);
        TestTensors.AssertLiveAtMost(before + 3);
        batch.Dispose();
        TestTensors.AssertLiveAtMost(before);
    }

    [Fact]
    public void BadRows_AreRefused()
    {
        using var documents = Toys.Documents(3);
        Assert.Throws<ArgumentException>(() => TokenBatch.Create(documents, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenBatch.Create(documents, [3]));
    }
}
