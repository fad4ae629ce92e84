using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class ColumnNameAttribute : Attribute
{
    public ColumnNameAttribute(string name)
    {
        Name = name;
    }

    internal string Name { get; }
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class NoColumnAttribute : Attribute
{
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class KeyTypeAttribute : Attribute
{
    public KeyTypeAttribute(ulong count)
    {
        Count = count;
    }

    internal ulong Count { get; }
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class VectorTypeAttribute : Attribute
{
    public VectorTypeAttribute()
    {
    }

    public VectorTypeAttribute(int size) : this([size])
    {
    }

    public VectorTypeAttribute(params int[] dimensions)
    {
        Contracts.CheckParam(dimensions.All(d => d >= 0), nameof(dimensions), "Should contain only non-negative values");
        Dimensions = dimensions;
    }

    internal int[] Dimensions { get; } = [];
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class LoadColumnAttribute : Attribute
{
    public LoadColumnAttribute(int fieldIndex)
    {
        Ranges = [new TextLoader.Range(fieldIndex)];
    }

    public LoadColumnAttribute(int start, int end)
    {
        Ranges = [new TextLoader.Range(start, end)];
    }

    public LoadColumnAttribute(int[] columnIndexes)
    {
        Ranges = [.. columnIndexes.Select(i => new TextLoader.Range(i))];
    }

    internal TextLoader.Range[] Ranges { get; }
}

public sealed class KeyCount
{
    public ulong? Count;

    public KeyCount()
    {
    }

    public KeyCount(ulong count)
    {
        Count = count;
    }
}
