using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.Data;

public sealed class DataViewSchemaTests
{
    [Fact]
    public void LaterColumnOfAName_HidesTheEarlier()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("B", TextDataViewType.Instance);
        builder.AddColumn("A", NumberDataViewType.Int32);
        DataViewSchema schema = builder.ToSchema();

        Assert.Equal(3, schema.Count);
        Assert.True(schema[0].IsHidden);
        Assert.Equal(2, schema["A"].Index);
        Assert.Null(schema.GetColumnOrNull("C"));
        Assert.Throws<ArgumentOutOfRangeException>(() => schema["C"]);
        Assert.Throws<ArgumentNullException>(() => schema[""]);
    }

    [Fact]
    public void Annotations_AreReadByTheirExactType()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue("Kind", NumberDataViewType.Int32, 7);
        DataViewSchema.Annotations annotations = builder.ToAnnotations();

        int value = 0;
        annotations.GetValue("Kind", ref value);
        Assert.Equal(7, value);
        long other = 0;
        Assert.Throws<InvalidOperationException>(() => annotations.GetValue("Kind", ref other));
        Assert.Throws<InvalidOperationException>(() => annotations.GetValue("None", ref value));
        Assert.Throws<ArgumentException>(() => builder.Add("Wrong", NumberDataViewType.Single, (ref int v) => v = 1));
    }

    [Fact]
    public void Types_AreEqualByWhatTheySay()
    {
        Assert.Equal(new KeyDataViewType(typeof(uint), 3), new KeyDataViewType(typeof(uint), 3UL));
        Assert.NotEqual(new KeyDataViewType(typeof(uint), 3), new KeyDataViewType(typeof(uint), 4));
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 2, 3), new VectorDataViewType(NumberDataViewType.Single, 2, 3));
        Assert.NotEqual(new VectorDataViewType(NumberDataViewType.Single, 2, 3), new VectorDataViewType(NumberDataViewType.Single, 6));
        Assert.Equal(6, new VectorDataViewType(NumberDataViewType.Single, 2, 3).Size);
        Assert.False(new VectorDataViewType(NumberDataViewType.Single).IsKnownSize);
        Assert.Equal("Vector<Single, 2, *>", new VectorDataViewType(NumberDataViewType.Single, 2, 0).ToString());
        Assert.Equal("Key<UInt32, 0-2>", new KeyDataViewType(typeof(uint), 3).ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(float), 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeyDataViewType(typeof(byte), 256));
    }

    [Fact]
    public void RowIds_OfForksAndCombinations_Differ()
    {
        var seen = new HashSet<DataViewRowId>();
        var id = new DataViewRowId(3, 0);
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(seen.Add(id.Fork()));
            Assert.True(seen.Add(id.Combine(new DataViewRowId((ulong)i, 0))));
            id = id.Next();
            Assert.True(seen.Add(id));
        }
    }
}
