using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Rows;

/// <summary>The values of a column, in the rows that were read ahead.</summary>
internal abstract class ColumnBuffer
{
    /// <summary>Reads the value of the source's current row. An exception of the source is stored in place of the value.</summary>
    /// <param name="index">The index at which it is stored.</param>
    /// <returns>The approximate number of bytes of the value.</returns>
    public abstract long Read(int index);

    /// <summary>Returns whether values of a type can be copied. Objects, such as images, can't: the reader owns them.</summary>
    public static bool CanHold(Type type) => IsVector(type) ? CanHold(type.GetGenericArguments()[0]) : type.IsValueType;

    /// <summary>Creates a buffer for a column of a type for which <see cref="CanHold"/> returns true.</summary>
    /// <param name="row">The source.</param>
    /// <param name="column">An active column of the source.</param>
    public static ColumnBuffer Create(DataViewRow row, DataViewSchema.Column column)
    {
        var type = column.Type.RawType;
        var buffer = IsVector(type)
            ? typeof(VectorBuffer<>).MakeGenericType(type.GetGenericArguments())
            : typeof(ScalarBuffer<>).MakeGenericType(type);
        // Exceptions of the source are not wrapped in a TargetInvocationException.
        return (ColumnBuffer)buffer.GetConstructors().Single().Invoke(BindingFlags.DoNotWrapExceptions, binder: null, [row, column], culture: null);
    }

    private static bool IsVector(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>);
}

/// <summary>The values of a column of one type.</summary>
/// <param name="source">Reads the value of the source's current row.</param>
internal abstract class ColumnBuffer<T>(ValueGetter<T> source) : ColumnBuffer
{
    // The values of earlier rows are kept, since getters use the memory of the value that they are passed.
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

    /// <summary>Copies a value; the caller may change the copy.</summary>
    /// <exception cref="Exception">The exception that the source threw in place of the value.</exception>
    public void CopyTo(int index, ref T value)
    {
        _failures[index]?.Throw();
        Copy(_values[index], ref value);
    }

    protected abstract void Copy(in T source, ref T target);

    protected abstract long SizeOf(in T value);
}

/// <summary>A buffer of scalars: numbers, keys, Booleans, dates, ids, and texts, which are immutable.</summary>
internal sealed class ScalarBuffer<T>(DataViewRow row, DataViewSchema.Column column) : ColumnBuffer<T>(row.GetGetter<T>(column))
{
    protected override void Copy(in T source, ref T target) => target = source;

    protected override long SizeOf(in T value)
        => value is ReadOnlyMemory<char> text ? sizeof(char) * (long)text.Length : Unsafe.SizeOf<T>();
}

/// <summary>A buffer of vectors.</summary>
internal sealed class VectorBuffer<T>(DataViewRow row, DataViewSchema.Column column) : ColumnBuffer<VBuffer<T>>(row.GetGetter<VBuffer<T>>(column))
{
    protected override void Copy(in VBuffer<T> source, ref VBuffer<T> target) => source.CopyTo(ref target);

    protected override long SizeOf(in VBuffer<T> value) => (long)Unsafe.SizeOf<T>() * value.GetValues().Length;
}
