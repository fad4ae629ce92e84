using System.Globalization;
using System.Linq.Expressions;
using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// The members of a row class bound to columns: reads a row object's columns, and writes a row's columns into an object.
internal sealed class RowType<TRow>
{
    private readonly Member[] _members;

    private RowType(Member[] members)
    {
        _members = members;
        var schema = new DataViewSchema.Builder();
        foreach (Member member in members)
            schema.AddColumn(member.ColumnName, member.ColumnType, member.Annotations);
        Schema = schema.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public static RowType<TRow> Create(SchemaDefinition definition, SchemaDefinition.Direction direction) =>
        new([.. (definition ?? SchemaDefinition.Create(typeof(TRow), direction)).Select(Bind)]);

    private static Member Bind(SchemaDefinition.Column column)
    {
        MemberInfo info = (MemberInfo)typeof(TRow).GetField(column.MemberName) ?? typeof(TRow).GetProperty(column.MemberName)
            ?? throw Contracts.ExceptParam("userSchemaDefinition", $"No field or property with name '{column.MemberName}' found in type '{typeof(TRow).FullName}'");
        Type itemType = SchemaDefinition.ItemType(info, out bool isVector);
        string name = string.IsNullOrEmpty(column.ColumnName) ? column.MemberName : column.ColumnName;
        DataViewType type = column.ColumnType;
        if (type == null)
        {
            PrimitiveDataViewType item = ColumnTypeExtensions.PrimitiveTypeFromType(itemType);
            type = isVector ? new VectorDataViewType(item) : item;
        }
        Contracts.CheckParam(isVector == type is VectorDataViewType, "userSchemaDefinition",
            $"Column '{name}' is supposed to be {(type is VectorDataViewType ? "vector" : "scalar")}, but type of associated field '{column.MemberName}' is {(isVector ? "vector" : "scalar")}");
        Contracts.CheckParam(type.GetItemType().RawType == itemType, "userSchemaDefinition",
            $"Column '{name}' is supposed to have item type {type.GetItemType().RawType}, but associated field has type {itemType}");
        return new Member(name, type, info, column.Annotations);
    }

    private sealed record Member(string ColumnName, DataViewType ColumnType, MemberInfo Info, DataViewSchema.Annotations Annotations)
    {
        public Type Type => SchemaDefinition.MemberType(Info);

        public Func<TRow, TMember> Getter<TMember>()
        {
            if (Info is PropertyInfo { CanRead: false })
                return null;
            ParameterExpression row = Expression.Parameter(typeof(TRow));
            return Expression.Lambda<Func<TRow, TMember>>(Expression.MakeMemberAccess(row, Info), row).Compile();
        }

        public Action<TRow, TMember> Setter<TMember>()
        {
            ParameterExpression row = Expression.Parameter(typeof(TRow)), value = Expression.Parameter(typeof(TMember));
            return Expression.Lambda<Action<TRow, TMember>>(Expression.Assign(Expression.MakeMemberAccess(row, Info), value), row, value).Compile();
        }
    }

    // A ValueGetter over the current row object.
    public Delegate CreateGetter(int column, Func<TRow> current)
    {
        Member member = _members[column];
        Type type = member.Type;
        if (type == typeof(string))
        {
            Func<TRow, string> text = member.Getter<string>();
            return (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> dst) => dst = text(current()).AsMemory());
        }
        if (type == typeof(string[]))
        {
            Func<TRow, string[]> texts = member.Getter<string[]>();
            return (ValueGetter<VBuffer<ReadOnlyMemory<char>>>)((ref VBuffer<ReadOnlyMemory<char>> dst) =>
            {
                string[] values = texts(current()) ?? [];
                VBufferEditor<ReadOnlyMemory<char>> editor = VBufferEditor.Create(ref dst, values.Length);
                for (int i = 0; i < values.Length; i++)
                    editor.Values[i] = values[i].AsMemory();
                dst = editor.Commit();
            });
        }
        if (type.IsArray)
            return (Delegate)Generic.Invoke(ArrayGetter<int>, type.GetElementType(), member, current);
        if (member.ColumnType is VectorDataViewType vector)
            return (Delegate)Generic.Invoke(VectorGetter<int>, vector.ItemType.RawType, member, current);
        return (Delegate)Generic.Invoke(ScalarGetter<int>, type, member, current);
    }

    private static ValueGetter<VBuffer<T>> ArrayGetter<T>(Member member, Func<TRow> current)
    {
        Func<TRow, T[]> array = member.Getter<T[]>();
        return (ref VBuffer<T> dst) =>
        {
            T[] values = array(current()) ?? [];
            VBuffer<T>.Copy(values, 0, ref dst, values.Length);
        };
    }

    private static ValueGetter<VBuffer<T>> VectorGetter<T>(Member member, Func<TRow> current)
    {
        Func<TRow, VBuffer<T>> vector = member.Getter<VBuffer<T>>();
        return (ref VBuffer<T> dst) => vector(current()).CopyTo(ref dst);
    }

    private static ValueGetter<T> ScalarGetter<T>(Member member, Func<TRow> current)
    {
        Func<TRow, T> scalar = member.Getter<T>();
        if (member.ColumnType is not KeyDataViewType key)
            return (ref T dst) => dst = scalar(current());
        // Objects count keys from 0 on, columns from 1 on. A key beyond the last one is missing.
        ulong count = key.Count;
        return (ref T dst) =>
        {
            ulong value = Convert.ToUInt64(scalar(current()), CultureInfo.InvariantCulture);
            dst = value < count ? (T)Convert.ChangeType(value + 1, typeof(T), CultureInfo.InvariantCulture) : default;
        };
    }

    // The columns of the schema that have a member, and the actions that fill those members from a row of this schema.
    public (IReadOnlyList<DataViewSchema.Column> Columns, Func<DataViewRow, Action<TRow>> Bind) Match(IHostEnvironment env, DataViewSchema schema, bool ignoreMissingColumns)
    {
        var matches = new List<(Member Member, DataViewSchema.Column Column)>();
        foreach (Member member in _members)
        {
            if (schema.GetColumnOrNull(member.ColumnName) is not { } column)
            {
                if (ignoreMissingColumns)
                    continue;
                throw env.ExceptSchemaMismatch("Schema", "", member.ColumnName);
            }
            Type itemType = SchemaDefinition.ItemType(member.Info, out bool isVector);
            if (isVector != column.Type is VectorDataViewType || column.Type.GetItemType().RawType != itemType)
                throw env.Except($"Can't bind the IDataView column '{column.Name}' of type '{column.Type}' to field or property '{member.Info.Name}' of type '{member.Type.FullName}'.");
            matches.Add((member, column));
        }
        return ([.. matches.Select(m => m.Column)], row => (Action<TRow>)Delegate.Combine([.. matches.Select(m => CreateSetter(m.Member, row, m.Column))]) ?? (_ => { }));
    }

    private static Action<TRow> CreateSetter(Member member, DataViewRow row, DataViewSchema.Column column)
    {
        Type type = member.Type;
        if (type == typeof(string))
        {
            ValueGetter<ReadOnlyMemory<char>> getText = row.GetGetter<ReadOnlyMemory<char>>(column);
            Action<TRow, string> set = member.Setter<string>();
            ReadOnlyMemory<char> text = default;
            return target =>
            {
                getText(ref text);
                set(target, text.ToString());
            };
        }
        if (type == typeof(string[]))
            return ArraySetter<ReadOnlyMemory<char>, string>(member, row, column, text => text.ToString());
        if (type.IsArray)
            return (Action<TRow>)Generic.Invoke(ArraySetter<int>, type.GetElementType(), member, row, column);
        if (column.Type is VectorDataViewType vector)
            return (Action<TRow>)Generic.Invoke(VectorSetter<int>, vector.ItemType.RawType, member, row, column);
        return (Action<TRow>)Generic.Invoke(ScalarSetter<int>, type, member, row, column);
    }

    private static Action<TRow> ArraySetter<T>(Member member, DataViewRow row, DataViewSchema.Column column) => ArraySetter<T, T>(member, row, column, null);

    private static Action<TRow> ArraySetter<TSource, T>(Member member, DataViewRow row, DataViewSchema.Column column, Func<TSource, T> convert)
    {
        ValueGetter<VBuffer<TSource>> getVector = row.GetGetter<VBuffer<TSource>>(column);
        Func<TRow, T[]> get = member.Getter<T[]>();
        Action<TRow, T[]> set = member.Setter<T[]>();
        VBuffer<TSource> vector = default;
        return target =>
        {
            getVector(ref vector);
            // An array of the right size is filled rather than replaced; none is the right size of an empty vector.
            T[] array = get?.Invoke(target);
            if ((array?.Length ?? 0) != vector.Length)
                array = new T[vector.Length];
            if (vector.Length == 0)
            {
                set(target, array);
                return;
            }
            if (convert == null)
                vector.CopyTo((TSource[])(object)array);
            else
                foreach (KeyValuePair<int, TSource> item in vector.Items(all: true))
                    array[item.Key] = convert(item.Value);
            set(target, array);
        };
    }

    private static Action<TRow> VectorSetter<T>(Member member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<VBuffer<T>> getVector = row.GetGetter<VBuffer<T>>(column);
        Func<TRow, VBuffer<T>> get = member.Getter<VBuffer<T>>();
        Action<TRow, VBuffer<T>> set = member.Setter<VBuffer<T>>();
        return target =>
        {
            VBuffer<T> vector = get == null ? default : get(target);
            getVector(ref vector);
            set(target, vector);
        };
    }

    private static Action<TRow> ScalarSetter<T>(Member member, DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getValue = row.GetGetter<T>(column);
        Action<TRow, T> set = member.Setter<T>();
        T value = default;
        return target =>
        {
            getValue(ref value);
            set(target, value);
        };
    }
}
