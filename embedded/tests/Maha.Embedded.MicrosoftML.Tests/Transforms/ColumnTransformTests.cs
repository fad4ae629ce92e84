using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Transforms;

public sealed class ColumnTransformTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        public float A { get; set; }
        public float B { get; set; }
        [VectorType(2)]
        public float[]? Pair { get; set; }
        public VBuffer<float> Free { get; set; }
        public string? Text { get; set; }
    }

    private IDataView Data() => _context.Data.LoadFromEnumerable(new Row[]
    {
        new() { A = 1, B = 2, Pair = [3, 4], Free = new VBuffer<float>(3, 1, [9], [1]), Text = "x" },
        new() { A = 5, B = 6, Pair = [0, 8], Free = new VBuffer<float>(1, [7]), Text = "y" },
    });

    private IDataView Apply(IEstimator<ITransformer> estimator) => estimator.Fit(Data()).Transform(Data());

    [Fact]
    public void Concatenate_JoinsInTheOrderAskedFor_AndNamesTheSlots()
    {
        IDataView result = Apply(_context.Transforms.Concatenate("All", "B", "Pair", "A"));

        Assert.Equal("Vector<Single, 4>", result.Schema["All"].Type.ToString());
        Assert.Equal(["2,3,4,1", "6,0,8,5"], result.GetColumn<float[]>("All").Select(v => string.Join(",", v)));
        VBuffer<ReadOnlyMemory<char>> names = default;
        result.Schema["All"].GetSlotNames(ref names);
        Assert.Equal(["B", "", "", "A"], names.DenseValues().Select(n => n.ToString()));
    }

    [Fact]
    public void Concatenate_OfVectorsWithoutFixedLength_HasNone()
    {
        IDataView result = Apply(_context.Transforms.Concatenate("All", "A", "Free"));

        Assert.Equal("Vector<Single>", result.Schema["All"].Type.ToString());
        Assert.Equal(["1,0,9,0", "5,7"], result.GetColumn<VBuffer<float>>("All").Select(v => string.Join(",", v.DenseValues())));
    }

    [Fact]
    public void Concatenate_OfDifferentTypes_Throws()
    {
        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => Apply(_context.Transforms.Concatenate("All", "A", "Text").Append(_context.Transforms.CopyColumns("C", "A"))));
        Assert.Contains("'Text'", error.Message);
    }

    [Fact]
    public void CopyColumns_MayReplaceAColumn_AndHidesIt()
    {
        IDataView result = Apply(_context.Transforms.CopyColumns("A", "B"));

        Assert.Equal(["A", "A", "B", "Pair", "Free", "Text"], result.Schema.Select(c => c.Name));
        Assert.True(result.Schema[0].IsHidden);
        Assert.Equal([2, 6], result.GetColumn<float>("A"));
    }

    [Fact]
    public void DropColumns_RemovesThem()
    {
        Assert.Equal(["B", "Free", "Text"], Apply(_context.Transforms.DropColumns("A", "Pair")).Schema.Select(c => c.Name));
        Assert.Throws<ArgumentOutOfRangeException>(() => Apply(_context.Transforms.DropColumns("Nope")));
    }

    [Fact]
    public void SelectColumns_KeepsTheOrderAskedFor()
    {
        IDataView result = Apply(_context.Transforms.SelectColumns("Text", "A"));

        Assert.Equal(["Text", "A"], result.Schema.Select(c => c.Name));
        Assert.Equal(["x", "y"], result.GetColumn<string>("Text"));
        Assert.Throws<ArgumentOutOfRangeException>(() => Apply(_context.Transforms.SelectColumns("Nope")));
    }

    [Fact]
    public void SelectColumns_KeepsHiddenOnesOnlyWhenAsked()
    {
        var copy = _context.Transforms.CopyColumns("A", "B");

        Assert.Equal(["A"], Apply(copy.Append(_context.Transforms.SelectColumns("A"))).Schema.Select(c => c.Name));
        Assert.Equal(["A", "A"], Apply(copy.Append(_context.Transforms.SelectColumns(["A"], keepHidden: true))).Schema.Select(c => c.Name));
    }

    [Fact]
    public void OutputShape_IsTheShapeOfTheOutput()
    {
        IEstimator<ITransformer>[] estimators =
        [
            _context.Transforms.Concatenate("All", "A", "Pair"), _context.Transforms.CopyColumns("C", "Text"), _context.Transforms.DropColumns("A"),
            _context.Transforms.SelectColumns("B", "Text"), _context.Transforms.Conversion.MapValueToKey("Key", "Text"),
            _context.Transforms.Conversion.MapValueToKey("Key", "Text").Append(_context.Transforms.Conversion.MapKeyToValue("Back", "Key")),
        ];
        foreach (IEstimator<ITransformer> estimator in estimators)
        {
            SchemaShape shape = estimator.GetOutputSchema(SchemaShape.Create(Data().Schema));
            SchemaShape actual = SchemaShape.Create(Apply(estimator).Schema);
            Assert.Equal(Lines(actual), Lines(shape));
        }
    }

    [Fact]
    public void GetOutputSchema_IsTheSchemaOfTheTransformedData()
    {
        ITransformer model = _context.Transforms.Concatenate("All", "A", "Pair").Append(_context.Transforms.SelectColumns("All", "Text")).Fit(Data());

        Assert.Equal(model.Transform(Data()).Schema.Select(c => c.ToString()), model.GetOutputSchema(Data().Schema).Select(c => c.ToString()));
    }

    [Fact]
    public void RowToRowMapper_MapsASingleRow()
    {
        ITransformer model = _context.Transforms.Concatenate("All", "A", "Pair").Append(_context.Transforms.DropColumns("Pair")).Fit(Data());
        IDataView data = Data();
        IRowToRowMapper mapper = model.GetRowToRowMapper(data.Schema);
        using DataViewRowCursor cursor = data.GetRowCursor(data.Schema);
        DataViewRow row = mapper.GetRow(cursor, [mapper.OutputSchema["All"]]);
        ValueGetter<VBuffer<float>> getter = row.GetGetter<VBuffer<float>>(mapper.OutputSchema["All"]);

        VBuffer<float> all = default;
        cursor.MoveNext();
        getter(ref all);
        Assert.Equal([1, 3, 4], all.DenseValues());
        cursor.MoveNext();
        getter(ref all);
        Assert.Equal([5, 0, 8], all.DenseValues());
    }

    private static string[] Lines(SchemaShape shape) => [.. shape.Select(c => $"{c.Name} {c.Kind} {c.ItemType} {c.IsKey}").Order()];
}
