using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// Writes values of one column type as ML.NET's binary files do. A codec describes itself by its name and, prefixed by their length,
// the parameters of its type; values are written and read a block at a time.
internal abstract class ValueCodec(string name, DataViewType type)
{
    private static readonly ValueCodec[] s_simple =
    [
        new PlainCodec<sbyte>(NumberDataViewType.SByte), new PlainCodec<byte>(NumberDataViewType.Byte),
        new PlainCodec<short>(NumberDataViewType.Int16), new PlainCodec<ushort>(NumberDataViewType.UInt16),
        new PlainCodec<int>(NumberDataViewType.Int32), new PlainCodec<uint>(NumberDataViewType.UInt32),
        new PlainCodec<long>(NumberDataViewType.Int64), new PlainCodec<ulong>(NumberDataViewType.UInt64),
        new PlainCodec<float>(NumberDataViewType.Single), new PlainCodec<double>(NumberDataViewType.Double),
        new PlainCodec<TimeSpan>(TimeSpanDataViewType.Instance), new PlainCodec<DataViewRowId>(RowIdDataViewType.Instance),
        new TextCodec(), new BooleanCodec(), new DateTimeCodec(), new DateTimeOffsetCodec(),
    ];

    private readonly string _name = name;

    public DataViewType Type { get; } = type;

    public static ValueCodec Of(DataViewType type) => type switch
    {
        KeyDataViewType key => Generic(typeof(KeyCodec<>), key.RawType, key, Of(ColumnTypeExtensions.PrimitiveTypeFromType(key.RawType))),
        VectorDataViewType vector => Of(vector.ItemType) is { } item ? Generic(typeof(VectorCodec<>), vector.ItemType.RawType, vector, item) : null,
        _ => s_simple.FirstOrDefault(c => c.Type.Equals(type)),
    };

    private static ValueCodec Generic(Type codec, Type item, params object[] arguments) =>
        (ValueCodec)Activator.CreateInstance(codec.MakeGenericType(item), arguments);

    public void WriteDescription(BinaryWriter writer)
    {
        using var parameters = new MemoryStream();
        using (var parameterWriter = new BinaryWriter(parameters, Encoding.UTF8, leaveOpen: true))
            WriteParameters(parameterWriter);
        writer.Write(_name);
        writer.Write7BitEncodedInt64(parameters.Length);
        writer.Write(parameters.GetBuffer(), 0, (int)parameters.Length);
    }

    // Null, with the description skipped, for a codec that this version doesn't know.
    public static ValueCodec ReadDescription(BinaryReader reader)
    {
        string name = reader.ReadString();
        long length = reader.Read7BitEncodedInt64();
        long end = reader.BaseStream.Position + length;
        Contracts.CheckDecode(length >= 0 && end <= reader.BaseStream.Length, $"Corrupt data: the description of the codec '{name}' runs past the end of the stream.");
        ValueCodec codec;
        switch (name)
        {
            case "VBuffer":
                codec = null;
                if (ReadDescription(reader)?.Type is PrimitiveDataViewType item)
                {
                    int rank = reader.ReadInt32();
                    Contracts.CheckDecode(rank >= 0 && rank <= length / sizeof(int), $"Corrupt data: a vector of {rank} dimensions.");
                    int[] dimensions = [.. Enumerable.Range(0, rank).Select(_ => reader.ReadInt32())];
                    Contracts.CheckDecode(dimensions.All(d => d >= 0), "Corrupt data: a negative dimension.");
                    codec = Of(rank > 0 ? new VectorDataViewType(item, dimensions) : new VectorDataViewType(item));
                }
                break;
            case "Key2":
                DataViewType key = ReadDescription(reader)?.Type;
                Contracts.CheckDecode(key != null && KeyDataViewType.IsValidDataType(key.RawType), "Corrupt data: a key type over values that can't be keys.");
                codec = Of(new KeyDataViewType(key.RawType, reader.ReadUInt64()));
                break;
            default:
                codec = s_simple.FirstOrDefault(c => c._name == name);
                break;
        }
        if (codec == null)
            reader.BaseStream.Position = end;
        Contracts.CheckDecode(reader.BaseStream.Position == end, $"Corrupt data: the description of the codec '{name}' doesn't end where it should.");
        return codec;
    }

    protected virtual void WriteParameters(BinaryWriter writer)
    {
    }

    private sealed class PlainCodec<T>(DataViewType type) : ValueCodec<T>(typeof(T).Name, type) where T : unmanaged
    {
        public override void Write(BinaryWriter writer, ReadOnlySpan<T> values) => writer.Write(MemoryMarshal.AsBytes(values));

        public override T[] Read(BinaryReader reader, int count)
        {
            T[] values = Allocate<T>(reader, count, Unsafe.SizeOf<T>());
            reader.BaseStream.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
            return values;
        }
    }

    // int count, int[count] ends in characters (the high bit marks a missing value of old files), one string with all characters.
    private sealed class TextCodec() : ValueCodec<ReadOnlyMemory<char>>("TextSpan", TextDataViewType.Instance)
    {
        public override void Write(BinaryWriter writer, ReadOnlySpan<ReadOnlyMemory<char>> values)
        {
            var text = new StringBuilder();
            writer.Write(values.Length);
            foreach (ReadOnlyMemory<char> value in values)
            {
                text.Append(value);
                writer.Write(text.Length);
            }
            writer.Write(text.ToString());
        }

        public override ReadOnlyMemory<char>[] Read(BinaryReader reader, int count)
        {
            Contracts.CheckDecode(reader.ReadInt32() == count, "Corrupt data: another number of texts than expected.");
            int[] ends = Allocate<int>(reader, count, sizeof(int));
            for (int i = 0; i < count; i++)
                ends[i] = reader.ReadInt32();
            ReadOnlyMemory<char> text = reader.ReadString().AsMemory();
            var values = new ReadOnlyMemory<char>[count];
            int start = 0;
            for (int i = 0; i < count; i++)
            {
                int end = ends[i] & int.MaxValue;
                Contracts.CheckDecode(end >= start && end <= text.Length, "Corrupt data: the ends of the texts aren't increasing.");
                values[i] = ends[i] < 0 ? default : text[start..end];
                start = end;
            }
            Contracts.CheckDecode(start == text.Length, "Corrupt data: the texts don't cover their characters.");
            return values;
        }
    }

    // Eight values to the byte, the first in the lowest bit.
    private sealed class BooleanCodec() : ValueCodec<bool>("Boolean", BooleanDataViewType.Instance)
    {
        public override void Write(BinaryWriter writer, ReadOnlySpan<bool> values)
        {
            var bits = new byte[(values.Length + 7) / 8];
            for (int i = 0; i < values.Length; i++)
                if (values[i])
                    bits[i / 8] |= (byte)(1 << (i % 8));
            writer.Write(bits);
        }

        public override bool[] Read(BinaryReader reader, int count)
        {
            byte[] bits = Allocate<byte>(reader, (count + 7) / 8, 1);
            reader.BaseStream.ReadExactly(bits);
            var values = new bool[count];
            for (int i = 0; i < count; i++)
                values[i] = (bits[i / 8] >> (i % 8) & 1) != 0;
            return values;
        }
    }

    private sealed class DateTimeCodec() : ValueCodec<DateTime>("DateTime", DateTimeDataViewType.Instance)
    {
        public override void Write(BinaryWriter writer, ReadOnlySpan<DateTime> values)
        {
            foreach (DateTime value in values)
                writer.Write(value.Ticks);
        }

        public override DateTime[] Read(BinaryReader reader, int count)
        {
            DateTime[] values = Allocate<DateTime>(reader, count, sizeof(long));
            for (int i = 0; i < count; i++)
                values[i] = new DateTime(reader.ReadInt64());
            return values;
        }
    }

    // All offsets in minutes (int16), then the local times' ticks (int64).
    private sealed class DateTimeOffsetCodec() : ValueCodec<DateTimeOffset>("DateTimeOffset", DateTimeOffsetDataViewType.Instance)
    {
        public override void Write(BinaryWriter writer, ReadOnlySpan<DateTimeOffset> values)
        {
            foreach (DateTimeOffset value in values)
                writer.Write((short)value.Offset.TotalMinutes);
            foreach (DateTimeOffset value in values)
                writer.Write(value.DateTime.Ticks);
        }

        public override DateTimeOffset[] Read(BinaryReader reader, int count)
        {
            short[] offsets = Allocate<short>(reader, count, sizeof(short) + sizeof(long));
            for (int i = 0; i < count; i++)
                offsets[i] = reader.ReadInt16();
            var values = new DateTimeOffset[count];
            for (int i = 0; i < count; i++)
                values[i] = new DateTimeOffset(new DateTime(reader.ReadInt64()), TimeSpan.FromMinutes(offsets[i]));
            return values;
        }
    }

    private sealed class KeyCodec<T>(KeyDataViewType type, ValueCodec inner) : ValueCodec<T>("Key2", type)
    {
        private readonly ValueCodec<T> _inner = (ValueCodec<T>)inner;

        protected override void WriteParameters(BinaryWriter writer)
        {
            _inner.WriteDescription(writer);
            writer.Write(((KeyDataViewType)Type).Count);
        }

        public override void Write(BinaryWriter writer, ReadOnlySpan<T> values) => _inner.Write(writer, values);
        public override T[] Read(BinaryReader reader, int count) => _inner.Read(reader, count);
    }

    // int vectors, int their length (0 if they differ; int[vectors] lengths follow then), int[vectors] explicit values (-1: dense),
    // int number of indices, the indices, the values.
    private sealed class VectorCodec<T>(VectorDataViewType type, ValueCodec inner) : ValueCodec<VBuffer<T>>("VBuffer", type)
    {
        private readonly ValueCodec<T> _inner = (ValueCodec<T>)inner;
        private readonly VectorDataViewType _type = type;

        protected override void WriteParameters(BinaryWriter writer)
        {
            _inner.WriteDescription(writer);
            writer.Write(_type.Dimensions.Length);
            foreach (int d in _type.Dimensions)
                writer.Write(d);
        }

        public override void Write(BinaryWriter writer, ReadOnlySpan<VBuffer<T>> values)
        {
            int length = _type.Size;
            var counts = new List<int>();
            var indices = new List<int>();
            var items = new List<T>();
            for (int i = 0; i < values.Length; i++)
            {
                Contracts.Check(_type.Size == 0 || values[i].Length == _type.Size, $"Length mismatch: expected {_type.Size} slots but got {values[i].Length}");
                if (_type.Size == 0)
                    length = i == 0 || values[i].Length == length ? values[i].Length : 0;
                counts.Add(values[i].IsDense ? -1 : values[i].GetValues().Length);
                indices.AddRange(values[i].GetIndices());
                items.AddRange(values[i].GetValues());
            }
            writer.Write(values.Length);
            writer.Write(length);
            if (length == 0)
                foreach (VBuffer<T> value in values)
                    writer.Write(value.Length);
            foreach (int count in counts)
                writer.Write(count);
            writer.Write(indices.Count);
            foreach (int index in indices)
                writer.Write(index);
            _inner.Write(writer, CollectionsMarshal.AsSpan(items));
        }

        public override VBuffer<T>[] Read(BinaryReader reader, int count)
        {
            Contracts.CheckDecode(reader.ReadInt32() == count, "Corrupt data: another number of vectors than expected.");
            int length = reader.ReadInt32();
            Contracts.CheckDecode(length >= 0 && (_type.Size == 0 || length == _type.Size), $"Corrupt data: vectors of length {length} in a column of {_type}.");
            int[] lengths = Allocate<int>(reader, count, sizeof(int));
            for (int i = 0; i < count; i++)
                lengths[i] = length > 0 ? length : reader.ReadInt32();
            int[] counts = Allocate<int>(reader, count, sizeof(int));
            long total = 0;
            for (int i = 0; i < count; i++)
            {
                counts[i] = reader.ReadInt32();
                Contracts.CheckDecode(lengths[i] >= 0 && counts[i] >= -1 && counts[i] < Math.Max(1, lengths[i]), "Corrupt data: a vector with more values than slots.");
                total += counts[i] < 0 ? lengths[i] : counts[i];
            }
            Contracts.CheckDecode(total <= int.MaxValue, "Corrupt data: too many values.");
            int[] indices = Allocate<int>(reader, reader.ReadInt32(), sizeof(int));
            Contracts.CheckDecode(indices.Length == counts.Where(c => c > 0).Sum(), "Corrupt data: another number of indices than of sparse values.");
            for (int i = 0; i < indices.Length; i++)
                indices[i] = reader.ReadInt32();
            ReadOnlySpan<T> items = _inner.Read(reader, (int)total);

            var values = new VBuffer<T>[count];
            int item = 0, index = 0;
            for (int i = 0; i < count; i++)
            {
                int take = counts[i] < 0 ? lengths[i] : counts[i];
                int[] own = null;
                if (counts[i] >= 0)
                {
                    own = indices[index..(index + take)];
                    index += take;
                    for (int j = 0; j < take; j++)
                        Contracts.CheckDecode(own[j] > (j == 0 ? -1 : own[j - 1]) && own[j] < lengths[i], "Corrupt data: the indices of a sparse vector aren't increasing.");
                }
                values[i] = new VBuffer<T>(lengths[i], take, items.Slice(item, take).ToArray(), own);
                item += take;
            }
            return values;
        }
    }
}

internal abstract class ValueCodec<T>(string name, DataViewType type) : ValueCodec(name, type)
{
    public abstract void Write(BinaryWriter writer, ReadOnlySpan<T> values);
    public abstract T[] Read(BinaryReader reader, int count);

    // Checks the count against what the stream can hold, so that corrupt data can't ask for gigabytes.
    protected static TItem[] Allocate<TItem>(BinaryReader reader, int count, int bytesPerItem)
    {
        long left = reader.BaseStream.CanSeek ? reader.BaseStream.Length - reader.BaseStream.Position : long.MaxValue;
        Contracts.CheckDecode(count >= 0 && (long)count * bytesPerItem <= left, $"Corrupt data: {count} values don't fit the rest of the stream.");
        return new TItem[count];
    }
}
