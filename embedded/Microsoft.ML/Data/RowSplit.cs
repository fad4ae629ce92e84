using System.Globalization;
using System.Numerics;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// Gives each row a number in [0, 1), at random or by a column, so that rows with the same value of the column stay together.
// Numbers, hashes and bounds are those of ML.NET: a seed means the same split there.
internal sealed class RowSplit
{
    private const uint DefaultRandomSeed = 42;
    private const uint DefaultHashSeed = 314489979;
    private const int HashBits = 30;

    private readonly IDataView _data;
    private readonly DataViewSchema.Column? _column;
    private readonly Func<DataViewRow, Func<double>> _numbers;

    public RowSplit(IHostEnvironment env, IDataView data, string samplingKeyColumnName, int? seed)
    {
        _data = data;
        seed ??= (env as IHostEnvironmentInternal)?.Seed;
        if (samplingKeyColumnName == null)
        {
            _numbers = row => RandomNumbers(row, (uint?)seed ?? DefaultRandomSeed);
            return;
        }
        DataViewSchema.Column column = data.Schema.GetColumnOrNull(samplingKeyColumnName)
            ?? throw env.ExceptSchemaMismatch(nameof(samplingKeyColumnName), "SamplingKeyColumn", samplingKeyColumnName);
        _column = column;
        if (column.Type is NumberDataViewType number && (number.RawType == typeof(float) || number.RawType == typeof(double)))
            _numbers = (Func<DataViewRow, Func<double>>)Generic.Invoke(ScaledNumbers<float>, column.Type.RawType, data, column);
        else if (column.Type is PrimitiveDataViewType)
            _numbers = row => (Func<double>)Generic.Invoke(Numbers<int>, column.Type.RawType, row, column, (uint?)seed ?? DefaultHashSeed);
        else
            throw env.ExceptSchemaMismatch(nameof(samplingKeyColumnName), "SamplingKeyColumn", samplingKeyColumnName, "a scalar", column.Type.ToString());
    }

    // Numbers that are in no range, as those of missing keys, fall out of both sets.
    public DataOperationsCatalog.TrainTestData Split(double min, double max, bool includeMax)
    {
        bool InRange(double x) => x >= min && (includeMax ? x <= max : x < max);
        bool OutOfRange(double x) => x < min || (includeMax ? x > max : x >= max);
        return new DataOperationsCatalog.TrainTestData(View(OutOfRange), View(InRange));
    }

    private FilterView View(Func<double, bool> test) => new(_data, _column, _column != null && _data.CanShuffle, row =>
    {
        Func<double> number = _numbers(row);
        return () => test(number());
    });

    private static Func<double> RandomNumbers(DataViewRow row, uint seed)
    {
        var random = new TauswortheHybrid(seed);
        long drawn = -1;
        float value = 0;
        return () =>
        {
            for (; drawn < row.Position; drawn++)
                value = random.NextSingle();
            return value;
        };
    }

    private static Func<DataViewRow, Func<double>> ScaledNumbers<T>(IDataView data, DataViewSchema.Column column) where T : IFloatingPoint<T>
    {
        double least = double.PositiveInfinity, most = double.NegativeInfinity;
        using (DataViewRowCursor cursor = data.GetRowCursor([column]))
        {
            Func<double> value = Value(cursor);
            while (cursor.MoveNext())
            {
                double x = value();
                if (double.IsFinite(x))
                    (least, most) = (Math.Min(least, x), Math.Max(most, x));
            }
        }
        double scale = most > least ? 1 / (most - least) : 0;
        return row =>
        {
            Func<double> value = Value(row);
            return () => (value() - least) * scale;
        };

        Func<double> Value(DataViewRow row)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T x = default;
            return () =>
            {
                getter(ref x);
                return double.CreateChecked(x);
            };
        }
    }

    private static Func<double> Numbers<T>(DataViewRow row, DataViewSchema.Column column, uint seed)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        ulong count = column.Type is KeyDataViewType key ? key.Count : 1UL << HashBits;
        return () =>
        {
            getter(ref value);
            ulong number = column.Type is KeyDataViewType ? Convert.ToUInt64(value, CultureInfo.InvariantCulture) : Hash(value, seed);
            return number == 0 || number > count ? double.NaN : ((uint)number - 0.5) / count;
        };
    }

    // 1 to 2^30; 0 for an empty text.
    private static uint Hash<T>(T value, uint seed)
    {
        uint hash;
        switch (value)
        {
            case ReadOnlyMemory<char> text:
                if (text.IsEmpty)
                    return 0;
                hash = HashText(text.Span.Trim(' '), seed);
                break;
            case DateTime time:
                hash = HashLong((ulong)time.Ticks, seed);
                break;
            case DateTimeOffset time:
                hash = HashLong((ulong)time.UtcTicks, seed);
                break;
            case TimeSpan time:
                hash = HashLong((ulong)time.Ticks, seed);
                break;
            case DataViewRowId id:
                uint low = TauswortheHybrid.MurmurRound(TauswortheHybrid.MurmurRound(seed, (uint)id.Low), (uint)(id.Low >> 32));
                hash = Mix(TauswortheHybrid.MurmurRound(TauswortheHybrid.MurmurRound(low, (uint)id.High), (uint)(id.High >> 32)), 16);
                break;
            case long n:
                hash = HashLong((ulong)n, seed);
                break;
            case ulong n:
                hash = HashLong(n, seed);
                break;
            case uint n:
                hash = Mix(TauswortheHybrid.MurmurRound(seed, n), sizeof(uint));
                break;
            default:
                // The smaller integers, and booleans as 0 and 1.
                hash = Mix(TauswortheHybrid.MurmurRound(seed, (uint)Convert.ToInt32(value, CultureInfo.InvariantCulture)), sizeof(uint));
                break;
        }
        return (hash & ((1u << HashBits) - 1)) + 1;
    }

    private static uint HashLong(ulong value, uint seed) =>
        Mix(TauswortheHybrid.MurmurRound(TauswortheHybrid.MurmurRound(seed, (uint)value), (uint)(value >> 32)), sizeof(ulong));

    // MurmurHash3 x86/32 over the UTF-16 units, each encoded as UTF-8 would encode a code point of its value.
    private static uint HashText(ReadOnlySpan<char> text, uint hash)
    {
        ulong pending = 0;
        int bits = 0, length = 0;
        foreach (char unit in text)
        {
            uint c = unit;
            if (c <= 0x7F)
            {
                pending |= (ulong)c << bits;
                bits += 8;
            }
            else if (c <= 0x7FF)
            {
                pending |= (ulong)((c & 0x3F) | ((c << 2) & 0x1F00) | 0xC080) << bits;
                pending = (pending & 0xFF) << 8 | pending >> 8;
                bits += 16;
            }
            else
            {
                pending |= (ulong)((c & 0x3F) | ((c << 2) & 0x3F00) | ((c << 4) & 0x0F0000) | 0xE08080) << bits;
                pending = (pending & 0xFF) << 16 | (pending & 0xFF00) | pending >> 16;
                bits += 24;
            }
            if (bits >= 32)
            {
                hash = TauswortheHybrid.MurmurRound(hash, (uint)pending);
                pending >>= 32;
                bits -= 32;
                length += 4;
            }
        }
        length += bits / 8;
        uint tail = (uint)(pending & ((1UL << (8 * (length & 3))) - 1));
        if ((length & 3) != 0)
            hash ^= BitOperations.RotateLeft(tail * 0xCC9E2D51, 15) * 0x1B873593;
        return Mix(hash, length);
    }

    private static uint Mix(uint hash, int length)
    {
        hash ^= (uint)length;
        hash ^= hash >> 16;
        hash *= 0x85ebca6b;
        hash ^= hash >> 13;
        hash *= 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }
}
