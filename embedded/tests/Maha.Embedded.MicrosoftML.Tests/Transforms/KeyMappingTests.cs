using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Maha.Embedded.MicrosoftML.Tests.Transforms;

public sealed class KeyMappingTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        public string? Text { get; set; }
        public float Number { get; set; }
        [VectorType(2)]
        public string[]? Pair { get; set; }
    }

    private sealed class Term
    {
        public string? Value { get; set; }
    }

    private IDataView Data() => _context.Data.LoadFromEnumerable(new Row[]
    {
        new() { Text = "b", Number = 3, Pair = ["x", ""] },
        new() { Text = "", Number = float.NaN, Pair = ["y", "x"] },
        new() { Text = "a", Number = 1, Pair = ["", ""] },
        new() { Text = "b", Number = 2, Pair = ["x", "y"] },
    });

    private static string[] KeyValues(DataViewSchema.Column column)
    {
        VBuffer<ReadOnlyMemory<char>> values = default;
        column.GetKeyValues(ref values);
        return [.. values.DenseValues().Select(v => v.ToString())];
    }

    [Theory]
    [InlineData(ValueToKeyMappingEstimator.KeyOrdinality.ByOccurrence, "1,0,2,1", "b,a")]
    [InlineData(ValueToKeyMappingEstimator.KeyOrdinality.ByValue, "2,0,1,2", "a,b")]
    public void Keys_CountFromOneInTheOrderAskedFor(ValueToKeyMappingEstimator.KeyOrdinality order, string keys, string values)
    {
        IDataView result = _context.Transforms.Conversion.MapValueToKey("Key", "Text", keyOrdinality: order).Fit(Data()).Transform(Data());

        Assert.Equal("Key<UInt32, 0-1>", result.Schema["Key"].Type.ToString());
        Assert.Equal(keys, string.Join(",", result.GetColumn<uint>("Key")));
        Assert.Equal(values, string.Join(",", KeyValues(result.Schema["Key"])));
    }

    [Fact]
    public void Numbers_HaveNumericKeyValues_OrTexts()
    {
        IDataView numeric = _context.Transforms.Conversion.MapValueToKey("Key", "Number").Fit(Data()).Transform(Data());
        VBuffer<float> values = default;
        numeric.Schema["Key"].GetKeyValues(ref values);
        Assert.Equal([3, 1, 2], values.DenseValues());
        Assert.Equal([1, 0, 2, 3], numeric.GetColumn<uint>("Key"));

        IDataView text = _context.Transforms.Conversion.MapValueToKey("Key", "Number", addKeyValueAnnotationsAsText: true).Fit(Data()).Transform(Data());
        Assert.Equal(["3", "1", "2"], KeyValues(text.Schema["Key"]));
    }

    [Fact]
    public void MaximumNumberOfKeys_KeepsTheFirstSeen()
    {
        IDataView result = _context.Transforms.Conversion.MapValueToKey("Key", "Number", maximumNumberOfKeys: 2).Fit(Data()).Transform(Data());

        Assert.Equal([1, 0, 2, 0], result.GetColumn<uint>("Key"));
    }

    [Fact]
    public void Vectors_ShareTheTermsOfTheirSlots()
    {
        ITransformer model = _context.Transforms.Conversion.MapValueToKey("Key", "Pair")
            .Append(_context.Transforms.Conversion.MapKeyToValue("Back", "Key")).Fit(Data());
        IDataView result = model.Transform(Data());

        Assert.Equal("Vector<Key<UInt32, 0-1>, 2>", result.Schema["Key"].Type.ToString());
        Assert.Equal(["1,0", "2,1", "0,0", "1,2"], result.GetColumn<uint[]>("Key").Select(k => string.Join(",", k)));
        Assert.Equal(["x,", "y,x", ",", "x,y"], result.GetColumn<string[]>("Back").Select(k => string.Join(",", k)));
    }

    [Fact]
    public void KeyData_GivesTheTerms_AndOthersAreMissing()
    {
        IDataView terms = _context.Data.LoadFromEnumerable(new Term[] { new() { Value = "z" }, new() { Value = "a" } });
        IDataView result = _context.Transforms.Conversion.MapValueToKey("Key", "Text", keyData: terms).Fit(Data()).Transform(Data());

        Assert.Equal([0, 0, 2, 0], result.GetColumn<uint>("Key"));
        Assert.Equal(["z", "a"], KeyValues(result.Schema["Key"]));
    }

    [Fact]
    public void UnseenValues_AreMissing_AndComeBackAsMissing()
    {
        ITransformer model = _context.Transforms.Conversion.MapValueToKey("Key", "Text")
            .Append(_context.Transforms.Conversion.MapKeyToValue("Back", "Key")).Fit(Data());
        IDataView unseen = model.Transform(_context.Data.LoadFromEnumerable(new Row[] { new() { Text = "q", Pair = ["", ""] }, new() { Text = "a", Pair = ["", ""] } }));

        Assert.Equal([0, 2], unseen.GetColumn<uint>("Key"));
        Assert.Equal(["", "a"], unseen.GetColumn<string>("Back"));
    }

    [Fact]
    public void KeyToValue_OfWhatIsNoKey_Throws()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Transforms.CopyColumns("Copy", "Number").Append(_context.Transforms.Conversion.MapKeyToValue("Back", "Copy")).Fit(Data()));
        Assert.Contains("Schema mismatch for input column 'Copy': expected KeyType, got Single", error.Message);
    }

    [Fact]
    public void MissingInput_IsNamed()
    {
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => _context.Transforms.Conversion.MapValueToKey("Key", "Nope").Fit(Data()));
        Assert.Contains("Could not find input column 'Nope'", error.Message);
    }
}
