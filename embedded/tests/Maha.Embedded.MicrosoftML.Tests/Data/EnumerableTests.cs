using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Data;

public sealed class EnumerableTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        [ColumnName("Title")]
        public string? Text;
        [VectorType(2)]
        public float[]? Pair { get; set; }
        public VBuffer<int> Numbers { get; set; }
        public string[]? Words { get; set; }
        [KeyType(3)]
        public uint Key { get; set; }
        [NoColumn]
        public object? Ignored { get; set; }
        public int WithoutSetter => 5;
    }

    private sealed class Result
    {
        public string? Title { get; set; }
        public float[]? Pair { get; set; }
        public VBuffer<int> Numbers { get; set; }
        public string[]? Words { get; set; }
        public uint Key { get; set; }
    }

    private static Row[] Rows() =>
    [
        new() { Text = "a", Pair = [1, 2], Numbers = new VBuffer<int>(4, 1, [9], [2]), Words = ["x", null!], Key = 0 },
        new() { Text = null, Pair = [3, 4], Numbers = default, Words = null, Key = 2 },
        new() { Text = "c", Pair = [5, 6], Numbers = default, Words = [], Key = 3 },
    ];

    [Fact]
    public void Attributes_MakeTheSchema()
    {
        DataViewSchema schema = _context.Data.LoadFromEnumerable(Rows()).Schema;

        Assert.Equal(["Title: String", "Pair: Vector<Single, 2>", "Numbers: Vector<Int32>", "Words: Vector<String>", "Key: Key<UInt32, 0-2>", "WithoutSetter: Int32"],
            schema.Select(c => c.ToString()));
    }

    [Fact]
    public void Objects_ComeBackAsTheyWent()
    {
        Result[] results = [.. _context.Data.CreateEnumerable<Result>(_context.Data.LoadFromEnumerable(Rows()), reuseRowObject: false)];

        Assert.Equal(["a", "", "c"], results.Select(r => r.Title));
        Assert.Equal([1, 2, 3, 4, 5, 6], results.SelectMany(r => r.Pair!));
        Assert.Equal([0, 0, 9, 0], results[0].Numbers.DenseValues());
        Assert.Equal(["x", ""], results[0].Words!);
        // A null array is the right size of an empty vector.
        Assert.Null(results[1].Words);
        // Columns count keys from 1 on, and 3 is beyond the three keys: missing.
        Assert.Equal([1u, 3u, 0u], results.Select(r => r.Key));
    }

    [Fact]
    public void ReusedRow_IsTheSameObject()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows());

        Assert.Single(_context.Data.CreateEnumerable<Result>(data, reuseRowObject: true).Distinct());
        Assert.Equal(3, _context.Data.CreateEnumerable<Result>(data, reuseRowObject: false).Distinct().Count());
    }

    [Fact]
    public void Views_AreLazy_AndReadOncePerCursor()
    {
        int read = 0;
        IEnumerable<Row> Source()
        {
            foreach (Row row in Rows())
            {
                read++;
                yield return row;
            }
        }
        IDataView data = _context.Data.LoadFromEnumerable(Source());
        IDataView transformed = _context.Transforms.CopyColumns("Copy", "Title").Fit(data).Transform(data);
        Assert.Equal(0, read);
        Assert.Null(data.GetRowCount());

        using (DataViewRowCursor cursor = transformed.GetRowCursor(transformed.Schema))
        {
            cursor.MoveNext();
            Assert.Equal(1, read);
        }
        Assert.Equal(3, transformed.GetColumn<string>("Copy").Count());
        Assert.Equal(4, read);
    }

    [Fact]
    public void Getters_AreStrict()
    {
        IDataView data = _context.Data.LoadFromEnumerable(Rows());
        using DataViewRowCursor cursor = data.GetRowCursor([data.Schema["Title"]]);

        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<string>(data.Schema["Title"]));
        Assert.ThrowsAny<Exception>(() => cursor.GetGetter<uint>(data.Schema["Key"]));
        Assert.True(cursor.IsColumnActive(data.Schema["Title"]));
        Assert.False(cursor.IsColumnActive(data.Schema["Key"]));
        ValueGetter<ReadOnlyMemory<char>> getter = cursor.GetGetter<ReadOnlyMemory<char>>(data.Schema["Title"]);
        ReadOnlyMemory<char> value = default;
        Assert.Throws<InvalidOperationException>(() => getter(ref value));
        while (cursor.MoveNext())
            getter(ref value);
        Assert.Throws<InvalidOperationException>(() => getter(ref value));
        Assert.Equal(-1, cursor.Position);
        Assert.False(cursor.MoveNext());
    }

    [Fact]
    public void MissingColumn_ThrowsOrIsIgnored()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new[] { new { Title = "x" } });

        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.CreateEnumerable<Result>(data, false));
        Assert.Contains("'Pair'", error.Message);
        Assert.Equal("x", _context.Data.CreateEnumerable<Result>(data, false, ignoreMissingColumns: true).Single().Title);
    }

    [Fact]
    public void WrongColumnType_Throws()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new[] { new { Title = 3f } });

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => _context.Data.CreateEnumerable<Result>(data, false, ignoreMissingColumns: true));
        Assert.Contains("'Title' of type 'Single'", error.Message);
    }

    [Fact]
    public void SchemaDefinition_ChangesNamesTypesAndAnnotations()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(Row));
        definition["Pair"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 2);
        definition["Title"].ColumnName = "Name";
        definition["Pair"].AddAnnotation("Unit", "m".AsMemory(), TextDataViewType.Instance);
        DataViewSchema schema = _context.Data.LoadFromEnumerable(Rows(), definition).Schema;

        Assert.NotNull(schema.GetColumnOrNull("Name"));
        ReadOnlyMemory<char> unit = default;
        schema["Pair"].Annotations.GetValue("Unit", ref unit);
        Assert.Equal("m", unit.ToString());
        definition["Pair"].ColumnType = NumberDataViewType.Single;
        Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.LoadFromEnumerable(Rows(), definition));
    }

    [Fact]
    public void UnsupportedMember_IsNamed()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Data.LoadFromEnumerable(new[] { new { Inner = new Uri("http://x") } }));
        Assert.Contains("Inner", error.Message);
    }

    [Fact]
    public void NullRow_Throws()
    {
        IDataView data = _context.Data.LoadFromEnumerable(new Row[] { null! });
        Assert.Throws<InvalidOperationException>(() => data.GetColumn<string>("Title").ToArray());
    }

    [Fact]
    public void Preview_ShowsRowsAndColumns()
    {
        DataDebuggerPreview preview = _context.Data.LoadFromEnumerable(Rows()).Preview(maxRows: 2);

        Assert.Equal(2, preview.RowView.Length);
        Assert.Equal(6, preview.ColumnView.Length);
        Assert.Equal("Title", preview.RowView[0].Values[0].Key);
        Assert.Equal(2, preview.ColumnView[1].Values.Length);
    }
}
