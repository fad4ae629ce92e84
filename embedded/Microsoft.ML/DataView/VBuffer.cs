using System.Collections;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public readonly struct VBuffer<T> : IEnumerable
{
    private readonly T[] _values;
    private readonly int[] _indices;
    private readonly int _count;

    public readonly int Length;

    public VBuffer(int length, T[] values, int[] indices = null)
    {
        Contracts.CheckParam(length >= 0, nameof(length));
        Contracts.CheckParam((values?.Length ?? 0) >= length, nameof(values));
        Length = length;
        _values = values;
        _indices = indices;
        _count = length;
    }

    public VBuffer(int length, int count, T[] values, int[] indices)
    {
        Contracts.CheckParam(length >= 0, nameof(length));
        Contracts.CheckParam(count >= 0 && count <= length, nameof(count));
        Contracts.CheckParam((values?.Length ?? 0) >= count, nameof(values));
        Contracts.CheckParam(count == length || (indices?.Length ?? 0) >= count, nameof(indices));
        Length = length;
        _values = values;
        _indices = indices;
        _count = count;
    }

    public bool IsDense => _count == Length;

    internal T[] ValuesArray => _values;
    internal int[] IndicesArray => _indices;

    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    public void CopyToDense(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination) => CopyTo(ref destination, 0, Length);

    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        Contracts.CheckParam(sourceIndex >= 0 && sourceIndex <= Length, nameof(sourceIndex));
        Contracts.CheckParam(length >= 0 && length <= Length - sourceIndex, nameof(length));
        if (IsDense)
        {
            VBufferEditor<T> dense = VBufferEditor.Create(ref destination, length);
            _values.AsSpan(sourceIndex, length).CopyTo(dense.Values);
            destination = dense.Commit();
            return;
        }
        int min = LowerBound(sourceIndex);
        int lim = LowerBound(sourceIndex + length);
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length, lim - min);
        _values.AsSpan(min, lim - min).CopyTo(editor.Values);
        if (lim - min < length)
            for (int i = min; i < lim; i++)
                editor.Indices[i - min] = _indices[i] - sourceIndex;
        destination = editor.Commit();
    }

    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        Contracts.CheckParam(destinationIndex >= 0 && destinationIndex + Length <= destination.Length, nameof(destination), "Not large enough to hold these values.");
        Span<T> target = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(target);
            return;
        }
        target.Fill(defaultValue);
        for (int i = 0; i < _count; i++)
            target[_indices[i]] = _values[i];
    }

    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        Contracts.CheckParam(length >= 0 && length <= (source?.Length ?? 0), nameof(length));
        Contracts.CheckParam(sourceIndex >= 0 && sourceIndex <= (source?.Length ?? 0) - length, nameof(sourceIndex));
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length);
        source.AsSpan(sourceIndex, length).CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        int next = 0;
        for (int i = 0; i < _count; i++)
        {
            int index = IsDense ? i : _indices[i];
            for (; all && next < index; next++)
                yield return new KeyValuePair<int, T>(next, default);
            next = index + 1;
            yield return new KeyValuePair<int, T>(index, _values[i]);
        }
        for (; all && next < Length; next++)
            yield return new KeyValuePair<int, T>(next, default);
    }

    public IEnumerable<T> DenseValues()
    {
        foreach (KeyValuePair<int, T> item in Items(all: true))
            yield return item.Value;
    }

    public void GetItemOrDefault(int index, ref T destination) => destination = GetItemOrDefault(index);

    public T GetItemOrDefault(int index)
    {
        Contracts.CheckParam(index >= 0 && index < Length, nameof(index));
        if (IsDense)
            return _values[index];
        int slot = LowerBound(index);
        return slot < _count && _indices[slot] == index ? _values[slot] : default;
    }

    private int LowerBound(int index)
    {
        int at = _indices.AsSpan(0, _count).BinarySearch(index); // no array where there is no value
        return at < 0 ? ~at : at;
    }

    public IEnumerator GetEnumerator() => Items(all: true).GetEnumerator();

    public override string ToString() =>
        IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {_count} explicit values";
}

public static class VBufferEditor
{
    public static VBufferEditor<T> CreateFromBuffer<T>(ref VBuffer<T> destination) =>
        Create(ref destination, destination.Length, destination.GetValues().Length, keepOldOnResize: true);

    public static VBufferEditor<T> Create<T>(ref VBuffer<T> destination, int newLogicalLength, int? valuesCount = null, int? maxValuesCapacity = null, bool keepOldOnResize = false, bool requireIndicesOnDense = false)
    {
        int count = valuesCount ?? newLogicalLength;
        Contracts.CheckParam(newLogicalLength >= 0, nameof(newLogicalLength));
        Contracts.CheckParam(count >= 0 && count <= newLogicalLength, nameof(valuesCount));
        int limit = Math.Max(count, maxValuesCapacity ?? newLogicalLength);

        T[] values = Grow(destination.ValuesArray, count, limit, keepOldOnResize, out bool newValues);
        int[] indices = destination.IndicesArray;
        bool newIndices = false;
        bool needIndices = count < newLogicalLength || requireIndicesOnDense;
        if (needIndices)
            indices = Grow(indices, count, limit, keepOldOnResize, out newIndices);
        return new VBufferEditor<T>(newLogicalLength, count, values, indices, needIndices, newValues, newIndices);
    }

    private static TItem[] Grow<TItem>(TItem[] array, int count, int limit, bool keepOld, out bool created)
    {
        created = count > 0 && (array?.Length ?? 0) < count;
        if (!created)
            return array;
        int size = keepOld ? (int)Math.Min(limit, Math.Max(count, 2L * (array?.Length ?? 0))) : count;
        var grown = new TItem[size];
        if (keepOld)
            array?.CopyTo(grown, 0);
        return grown;
    }
}

public readonly ref struct VBufferEditor<T>
{
    private readonly int _length;
    private readonly T[] _values;
    private readonly int[] _indices;

    public readonly Span<T> Values;
    public readonly Span<int> Indices;

    internal VBufferEditor(int length, int count, T[] values, int[] indices, bool hasIndices, bool createdNewValues, bool createdNewIndices)
    {
        _length = length;
        _values = values;
        _indices = indices;
        Values = values.AsSpan(0, count);
        Indices = hasIndices ? indices.AsSpan(0, count) : default;
        CreatedNewValues = createdNewValues;
        CreatedNewIndices = createdNewIndices;
    }

    public bool CreatedNewValues { get; }
    public bool CreatedNewIndices { get; }

    public VBuffer<T> Commit() => new(_length, Values.Length, _values, _indices);

    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        Contracts.CheckParam(physicalValuesCount <= Values.Length, nameof(physicalValuesCount), "Updating physicalValuesCount during CommitTruncated cannot be greater than the original physicalValuesCount value used in Create.");
        return new VBuffer<T>(_length, physicalValuesCount, _values, _indices);
    }
}
