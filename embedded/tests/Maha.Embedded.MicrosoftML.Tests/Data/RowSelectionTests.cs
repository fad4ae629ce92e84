using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Data;

public sealed class RowSelectionTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        public float Id { get; set; }
        public string? Text { get; set; }
        public int Number { get; set; }
        [KeyType(5)]
        public uint Key { get; set; }
    }

    private IDataView Data(int count = 23) => _context.Data.LoadFromEnumerable(Enumerable.Range(0, count).Select(i => new Row
    {
        Id = i,
        Text = i % 5 == 3 ? null : "tx " + i + (i % 7 == 0 ? " \u00e9\u4e2d\ud83d\ude00" : ""),
        Number = i * 31 % 7,
        Key = (uint)(i % 7),
    }).ToArray());

    private static float[] Ids(IDataView data) => [.. data.GetColumn<float>("Id")];

    // The expected rows were chosen by ML.NET 5.0.0.
    [Theory]
    [InlineData(null, "1,2,7,14,15,16,17,21")]
    [InlineData("Text", "0,1,2,4,5,7,22")]
    [InlineData("Number", "1,5,6,8,12,13,15,19,20,22")]
    public void TrainTestSplit_ChoosesTheRowsOfMLNet(string? key, string test)
    {
        DataOperationsCatalog.TrainTestData split = _context.Data.TrainTestSplit(Data(), 0.3, key, seed: 5);

        Assert.Equal(test, string.Join(",", Ids(split.TestSet)));
    }

    [Fact]
    public void TrainTestSplit_WithoutSeed_TakesTheContexts()
    {
        Assert.Equal([2, 9, 10, 12, 13, 21], Ids(_context.Data.TrainTestSplit(Data(), 0.3).TestSet));
        Assert.Equal([0, 7, 14, 21], Ids(new MLContext(1).Data.TrainTestSplit(Data(), 0.3, "Key").TestSet));
    }

    [Fact]
    public void TrainTestSplit_IsDisjointAndComplete()
    {
        DataOperationsCatalog.TrainTestData split = _context.Data.TrainTestSplit(Data(), 0.3);

        Assert.Equal(Enumerable.Range(0, 23).Select(i => (float)i), Ids(split.TrainSet).Concat(Ids(split.TestSet)).Order());
        Assert.Equal(["Id", "Text", "Number", "Key"], split.TrainSet.Schema.Select(c => c.Name));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(1.0)]
    [InlineData(-0.5)]
    public void TrainTestSplit_NeedsAFraction(double fraction) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.TrainTestSplit(Data(), fraction));

    [Fact]
    public void CrossValidationSplit_ChoosesTheRowsOfMLNet()
    {
        var folds = _context.Data.CrossValidationSplit(Data(), 3, "Number", seed: 5);

        Assert.Equal(["1,5,6,8,12,13,15,19,20,22", "", "0,2,3,4,7,9,10,11,14,16,17,18,21"], folds.Select(f => string.Join(",", Ids(f.TestSet))));
        Assert.Equal([13, 23, 10], folds.Select(f => Ids(f.TrainSet).Length));
    }

    [Fact]
    public void CrossValidationSplit_KeepsRowsOfOneKeyTogether_AndTestsEveryRowOnce()
    {
        var folds = _context.Data.CrossValidationSplit(Data(200), 4, "Number", seed: 3);

        Assert.Equal(4, folds.Count);
        Assert.Equal(Enumerable.Range(0, 200).Select(i => (float)i), folds.SelectMany(f => Ids(f.TestSet)).Order());
        foreach (var fold in folds)
        {
            Assert.Empty(fold.TrainSet.GetColumn<int>("Number").Intersect(fold.TestSet.GetColumn<int>("Number")));
            Assert.Equal(200, Ids(fold.TrainSet).Length + Ids(fold.TestSet).Length);
        }
    }

    [Fact]
    public void CrossValidationSplit_NeedsTwoFolds() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.CrossValidationSplit(Data(), 1));

    [Fact]
    public void ShuffleRows_IsAPermutation_TheSameForASeed()
    {
        float[] shuffled = Ids(_context.Data.ShuffleRows(Data(500), seed: 7));

        Assert.NotEqual(Ids(Data(500)), shuffled);
        Assert.Equal(Ids(Data(500)), shuffled.Order());
        Assert.Equal(shuffled, Ids(_context.Data.ShuffleRows(Data(500), seed: 7)));
        Assert.NotEqual(shuffled, Ids(_context.Data.ShuffleRows(Data(500), seed: 8)));
    }

    [Fact]
    public void TakeSkipAndFilter_ChooseRowsInOrder()
    {
        Assert.Equal([0, 1, 2], Ids(_context.Data.TakeRows(Data(), 3)));
        Assert.Equal([20, 21, 22], Ids(_context.Data.SkipRows(Data(), 20)));
        Assert.Empty(Ids(_context.Data.SkipRows(Data(), 23)));
        Assert.Equal(23, Ids(_context.Data.TakeRows(Data(), 100)).Length);
        Assert.Equal([3, 4, 5, 6], Ids(_context.Data.FilterRowsByColumn(Data(), "Id", 3, 7)));
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.FilterRowsByColumn(Data(), "Text", 3, 7));
    }

    [Fact]
    public void Cache_ReadsTheSourceOnce()
    {
        int reads = 0;
        IEnumerable<Row> Source()
        {
            reads++;
            yield return new Row { Id = 4, Text = "a" };
            yield return new Row { Id = 5 };
        }
        IDataView cache = _context.Data.Cache(_context.Data.LoadFromEnumerable(Source()));
        Assert.Equal(0, reads);

        Assert.Equal([4, 5], Ids(cache));
        Assert.Equal([4, 5], Ids(cache));
        Assert.Equal(1, reads);
        Assert.Equal(["a", ""], cache.GetColumn<string>("Text"));
        Assert.Equal(2, cache.GetRowCount());
    }

    [Fact]
    public void Cache_PrefetchesColumnsTogether()
    {
        int reads = 0;
        IEnumerable<Row> Source()
        {
            reads++;
            yield return new Row { Id = 4, Text = "a" };
        }
        IDataView cache = _context.Data.Cache(_context.Data.LoadFromEnumerable(Source()), "Id", "Text");

        Assert.Equal([4], Ids(cache));
        Assert.Equal(["a"], cache.GetColumn<string>("Text"));
        Assert.Equal(1, reads);
    }

    [Fact]
    public void Cache_ServesTwoCursorsAtOnce()
    {
        IDataView cache = _context.Data.Cache(Data(300));
        using DataViewRowCursor first = cache.GetRowCursor(cache.Schema);
        using DataViewRowCursor second = cache.GetRowCursor(cache.Schema);
        ValueGetter<float> firstGetter = first.GetGetter<float>(cache.Schema["Id"]), secondGetter = second.GetGetter<float>(cache.Schema["Id"]);
        float a = 0, b = 0;

        int rows = 0;
        while (first.MoveNext())
        {
            Assert.True(second.MoveNext());
            firstGetter(ref a);
            secondGetter(ref b);
            Assert.Equal(rows++, a);
            Assert.Equal(a, b);
        }
        Assert.Equal(300, rows);
        Assert.False(second.MoveNext());
    }
}
