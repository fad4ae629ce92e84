using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Schema;

public class LabelNamesTests
{
    private sealed class Value<T>
    {
        public T Label { get; set; } = default!;
    }

    [Fact]
    public void EveryType_RoundTripsThroughTheFile()
    {
        Survives("", "a", "\u00e4 \"\n", "1");
        Survives(0f, -0.1f, float.MaxValue, float.Epsilon, float.PositiveInfinity);
        Survives(0d, -0.1, double.MaxValue, 1d / 3);
        Survives(sbyte.MinValue, sbyte.MaxValue);
        Survives(byte.MinValue, byte.MaxValue);
        Survives(short.MinValue, short.MaxValue);
        Survives(ushort.MinValue, ushort.MaxValue);
        Survives(int.MinValue, int.MaxValue);
        Survives(long.MinValue, long.MaxValue);
        Survives(uint.MinValue, uint.MaxValue);
        Survives(ulong.MinValue, ulong.MaxValue);
        Survives(true, false);
        Survives(DateTime.MinValue, new DateTime(2026, 11, 26, 1, 2, 3, 4, 5, DateTimeKind.Unspecified).AddTicks(7), DateTime.MaxValue);
        Survives(new DateTimeOffset(2026, 11, 26, 1, 2, 3, TimeSpan.FromMinutes(-210)).AddTicks(1), DateTimeOffset.MaxValue);
        Survives(TimeSpan.Zero, TimeSpan.FromTicks(-1), TimeSpan.MaxValue, TimeSpan.MinValue);
    }

    [Theory]
    [InlineData("Int32", "1.5")]
    [InlineData("Byte", "256")]
    [InlineData("Boolean", "yes")]
    [InlineData("Single", "one")]
    [InlineData("DateTime", "yesterday")]
    [InlineData("DateTimeOffset", "2026-11-26")]
    [InlineData("TimeSpan", "a while")]
    public void InvalidEnumName_Throws(string type, string name)
        => Assert.StartsWith($"The labels of the model must be values of {type}",
            Assert.Throws<InvalidDataException>(() => LabelNames.FromFile(type, [name])).Message, StringComparison.Ordinal);

    [Fact]
    public void AnUnknownType_Throws()
        => Assert.Contains("but the file says 'Complex'",
            Assert.Throws<InvalidDataException>(() => LabelNames.FromFile("Complex", ["1"])).Message, StringComparison.Ordinal);

    private static void Survives<T>(params T[] values) where T : notnull
    {
        var mlContext = new MLContext();
        var data = mlContext.Data.LoadFromEnumerable(values.Select(value => new Value<T> { Label = value }));
        var keyed = mlContext.Transforms.Conversion.MapValueToKey("Label").Fit(data).Transform(data);
        var names = LabelNames.FromColumn(keyed.Schema["Label"])!;
        var read = LabelNames.FromFile(names.TypeName, names.Names);
        Assert.Equal(names.ItemType, read.ItemType);
        Assert.Equal(names.Names, read.Names);
        int count = ((VectorDataViewType)keyed.Schema["Label"].Annotations.Schema["KeyValues"].Type).Size;
        Assert.Equal(count, read.Count);
        var builder = new DataViewSchema.Annotations.Builder();
        read.AddTo(builder, "KeyValues");
        if (typeof(T) == typeof(string))
        {
            Assert.Equal(Annotation<ReadOnlyMemory<char>>(keyed.Schema["Label"].Annotations).Select(value => value.ToString()),
                Annotation<ReadOnlyMemory<char>>(builder.ToAnnotations()).Select(value => value.ToString()));
        }
        else
        {
            Assert.Equal(Annotation<T>(keyed.Schema["Label"].Annotations), Annotation<T>(builder.ToAnnotations()));
        }
    }

    private static TValue[] Annotation<TValue>(DataViewSchema.Annotations annotations)
    {
        VBuffer<TValue> values = default;
        annotations.GetValue("KeyValues", ref values);
        return [.. values.DenseValues()];
    }
}
