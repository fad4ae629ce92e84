using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Rows;

/// <summary>The values of a column in rows that were read ahead.</summary>
internal abstract class ColumnBuffer
{
    /// <summary>Reads the value of the source's present row, or what the source throws instead.</summary>
    /// <param name="index">Where it is kept.</param>
    /// <returns>About how many bytes it takes.</returns>
    public abstract long Read(int index);

    /// <summary>Whether values of a type are copied with their buffers. Objects (images, for instance) belong to who reads them and cannot be.</summary>
    public static bool CanHold(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>) ? CanHold(type.GetGenericArguments()[0]) : type.IsValueType;

    /// <summary>A buffer for a column of any type that <see cref="CanHold"/> admits.</summary>
    /// <param name="row">The source.</param>
    /// <param name="column">An active column of it.</param>
    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column)
    {
        var type = column.Type.RawType;
        var buffer = type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>)
            ? typeof(VectorBuffer<>).MakeGenericType(type.GetGenericArguments())
            : typeof(ScalarBuffer<>).MakeGenericType(type);
        // What the source throws comes as it is, without reflection's wrapper.
        return (ColumnBuffer)buffer.GetConstructors().Single().Invoke(BindingFlags.DoNotWrapExceptions, binder: null, [row, column], culture: null);
    }
}

/// <summary>The same of values of one type.</summary>
/// <param name="source">Gives the value of the source's present row.</param>
internal abstract class ColumnBuffer<T>(ValueGetter<T> source) : ColumnBuffer
{
    // The values of earlier rows stay, as getters use the memory of the value that they are given again.
    private T[] _values = new T[1];
    private ExceptionDispatchInfo?[] _failures = new ExceptionDispatchInfo?[1];

    public override long Read(int index)
    {
        if (index == _values.Length)
        {
            Array.Resize(ref _values, 2 * index);
            Array.Resize(ref _failures, 2 * index);
        }
        try
        {
            source(ref _values[index]);
            _failures[index] = null;
            return SizeOf(_values[index]);
        }
        catch (Exception e)
        {
            _failures[index] = ExceptionDispatchInfo.Capture(e);
            return 0;
        }
    }

    /// <summary>A copy of a value, the receiver's to change.</summary>
    /// <exception cref="Exception">What the source threw instead of it.</exception>
    public void CopyTo(int index, ref T value)
    {
        _failures[index]?.Throw();
        Copy(_values[index], ref value);
    }

    protected abstract void Copy(in T source, ref T target);

    protected abstract long SizeOf(in T value);
}

/// <summary>Numbers, keys, truth values, dates, ids; texts, which nobody changes.</summary>
internal sealed class ScalarBuffer<T>(DataViewRow row, DataViewSchema.Column column) : ColumnBuffer<T>(row.GetGetter<T>(column))
{
    protected override void Copy(in T source, ref T target) => target = source;

    protected override long SizeOf(in T value) => value is ReadOnlyMemory<char> text ? sizeof(char) * (long)text.Length : Unsafe.SizeOf<T>();
}

/// <summary>Vectors of those.</summary>
internal sealed class VectorBuffer<T>(DataViewRow row, DataViewSchema.Column column) : ColumnBuffer<VBuffer<T>>(row.GetGetter<VBuffer<T>>(column))
{
    protected override void Copy(in VBuffer<T> source, ref VBuffer<T> target) => source.CopyTo(ref target);

    protected override long SizeOf(in VBuffer<T> value) => (long)Unsafe.SizeOf<T>() * value.GetValues().Length;
}
