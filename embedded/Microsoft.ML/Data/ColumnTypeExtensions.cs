using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public enum DataKind : byte
{
    SByte = 1,
    Byte = 2,
    Int16 = 3,
    UInt16 = 4,
    Int32 = 5,
    UInt32 = 6,
    Int64 = 7,
    UInt64 = 8,
    Single = 9,
    Double = 10,
    String = 11,
    Boolean = 12,
    TimeSpan = 13,
    DateTime = 14,
    DateTimeOffset = 15,
}

public static class ColumnTypeExtensions
{
    // By DataKind; a row identifier has no public kind.
    private static readonly PrimitiveDataViewType[] s_types =
    [
        null,
        NumberDataViewType.SByte, NumberDataViewType.Byte, NumberDataViewType.Int16, NumberDataViewType.UInt16, NumberDataViewType.Int32,
        NumberDataViewType.UInt32, NumberDataViewType.Int64, NumberDataViewType.UInt64, NumberDataViewType.Single, NumberDataViewType.Double,
        TextDataViewType.Instance, BooleanDataViewType.Instance, TimeSpanDataViewType.Instance, DateTimeDataViewType.Instance, DateTimeOffsetDataViewType.Instance,
        RowIdDataViewType.Instance,
    ];

    public static bool IsStandardScalar(this DataViewType columnType) =>
        columnType is NumberDataViewType or TextDataViewType or BooleanDataViewType or RowIdDataViewType or TimeSpanDataViewType or DateTimeDataViewType or DateTimeOffsetDataViewType;

    public static DataViewType GetItemType(this DataViewType columnType) => columnType is VectorDataViewType vector ? vector.ItemType : columnType;

    public static int GetVectorSize(this DataViewType columnType) => (columnType as VectorDataViewType)?.Size ?? 0;

    public static int GetValueCount(this DataViewType columnType) => (columnType as VectorDataViewType)?.Size ?? 1;

    public static bool IsKnownSizeVector(this DataViewType columnType) => columnType is VectorDataViewType { IsKnownSize: true };

    public static ulong GetKeyCount(this DataViewType columnType) => (columnType as KeyDataViewType)?.Count ?? 0;

    public static int GetKeyCountAsInt32(this DataViewType columnType, IExceptionContext ectx = null)
    {
        ulong count = columnType.GetKeyCount();
        ectx.Check(count <= int.MaxValue, $"The key count must not exceed {int.MaxValue}, but is {count}.");
        return (int)count;
    }

    public static bool SameSizeAndItemType(this DataViewType columnType, DataViewType other) =>
        columnType.Equals(other) || (columnType is VectorDataViewType a && other is VectorDataViewType b && a.Size == b.Size && a.ItemType.Equals(b.ItemType));

    public static PrimitiveDataViewType PrimitiveTypeFromType(Type type) =>
        type == typeof(string) ? TextDataViewType.Instance
            : s_types.FirstOrDefault(t => t?.RawType == type) ?? throw Contracts.ExceptParam(nameof(type), $"There is no column type for {type}.");

    internal static PrimitiveDataViewType PrimitiveTypeFromKind(DataKind kind) =>
        (byte)kind < s_types.Length && s_types[(byte)kind] is { } type ? type : throw Contracts.ExceptParam(nameof(kind), $"There is no column type for kind {kind}.");

    internal static bool TryGetKind(Type type, out DataKind kind)
    {
        kind = (DataKind)Math.Max(0, Array.FindIndex(s_types, t => t != null && (t.RawType == type || (type == typeof(string) && t is TextDataViewType))));
        return kind != 0;
    }
}
