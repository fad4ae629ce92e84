using System.Collections.Immutable;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data
{
    public sealed class DataDebuggerPreview
    {
        internal const int DefaultMaxRows = 100;

        internal DataDebuggerPreview(IDataView data, int maxRows)
        {
            Contracts.CheckValue(data, nameof(data));
            Contracts.CheckParam(maxRows >= 0, nameof(maxRows));
            Schema = data.Schema;
            var rows = new List<RowInfo>();
            using (DataViewRowCursor cursor = data.GetRowCursor(Schema))
            {
                Func<object>[] values = [.. Schema.Select(c => (Func<object>)Generic.Invoke(Value<int>, c.Type.RawType, cursor, c))];
                while (rows.Count < maxRows && cursor.MoveNext())
                    rows.Add(new RowInfo([.. Schema.Select(c => KeyValuePair.Create(c.Name, values[c.Index]()))]));
            }
            RowView = [.. rows];
            ColumnView = [.. Schema.Select(c => new ColumnInfo(c, [.. rows.Select(r => r.Values[c.Index].Value)]))];
        }

        public DataViewSchema Schema { get; }
        public ImmutableArray<ColumnInfo> ColumnView { get; }
        public ImmutableArray<RowInfo> RowView { get; }

        public override string ToString() => $"{Schema.Count} columns, {RowView.Length} rows";

        private static Func<object> Value<T>(DataViewRow row, DataViewSchema.Column column)
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            return () =>
            {
                T value = default;
                getter(ref value);
                return value;
            };
        }

        public sealed class RowInfo
        {
            internal RowInfo(KeyValuePair<string, object>[] values)
            {
                Values = values;
            }

            public KeyValuePair<string, object>[] Values { get; }

            public override string ToString() => $"{Values.Length} columns";
        }

        public sealed class ColumnInfo
        {
            internal ColumnInfo(DataViewSchema.Column column, object[] values)
            {
                Column = column;
                Values = values;
            }

            public DataViewSchema.Column Column { get; }
            public object[] Values { get; }

            public override string ToString() => $"{Column.Name}: {Column.Type}";
        }
    }

    public static class ColumnCursorExtensions
    {
        public static IEnumerable<T> GetColumn<T>(this IDataView data, string columnName) => GetColumn<T>(data, Contracts.CheckRef(data, nameof(data)).Schema[columnName]);

        public static IEnumerable<T> GetColumn<T>(this IDataView data, DataViewSchema.Column column)
        {
            Contracts.CheckValue(data, nameof(data));
            Contracts.CheckParam(column.Index < data.Schema.Count && data.Schema[column.Index].Name == column.Name && data.Schema[column.Index].Type.Equals(column.Type), nameof(column),
                $"column with name {column.Name}, type {column.Type}, and index {column.Index} cannot be found in {nameof(data)}");
            if (column.Type.RawType == typeof(T))
                return Values<T, T>(data, column, value => value);
            if (typeof(T) == typeof(string) && column.Type is TextDataViewType)
                return (IEnumerable<T>)Values<ReadOnlyMemory<char>, string>(data, column, text => text.ToString());
            if (typeof(T).IsArray && column.Type is VectorDataViewType vector)
            {
                if (typeof(T) == typeof(string[]) && vector.ItemType is TextDataViewType)
                    return (IEnumerable<T>)Values<VBuffer<ReadOnlyMemory<char>>, string[]>(data, column, texts => [.. texts.DenseValues().Select(t => t.ToString())]);
                if (typeof(T).GetElementType() == vector.ItemType.RawType)
                    return (IEnumerable<T>)Generic.Invoke(Arrays<int>, vector.ItemType.RawType, data, column);
            }
            throw Contracts.ExceptParam(nameof(column), $"Cannot map column (name: {column.Name}, type: {column.Type}) in {nameof(data)} to the user-defined type, {typeof(T)}.");
        }

        private static IEnumerable<T[]> Arrays<T>(IDataView data, DataViewSchema.Column column) => Values<VBuffer<T>, T[]>(data, column, vector =>
        {
            var array = new T[vector.Length];
            vector.CopyTo(array);
            return array;
        });

        private static IEnumerable<TResult> Values<T, TResult>(IDataView data, DataViewSchema.Column column, Func<T, TResult> convert)
        {
            using DataViewRowCursor cursor = data.GetRowCursor([column]);
            ValueGetter<T> getter = cursor.GetGetter<T>(column);
            while (cursor.MoveNext())
            {
                T value = default;
                getter(ref value);
                yield return convert(value);
            }
        }
    }
}

namespace Microsoft.ML
{
    public static class DebuggerExtensions
    {
        public static DataDebuggerPreview Preview(this IDataView data, int maxRows = DataDebuggerPreview.DefaultMaxRows) => new(data, maxRows);

        public static DataDebuggerPreview Preview(this ITransformer transformer, IDataView data, int maxRows = DataDebuggerPreview.DefaultMaxRows) =>
            new(Contracts.CheckRef(transformer, nameof(transformer)).Transform(data), maxRows);

        public static DataDebuggerPreview Preview(this IEstimator<ITransformer> estimator, IDataView data, int maxRows = DataDebuggerPreview.DefaultMaxRows, int maxTrainingRows = DataDebuggerPreview.DefaultMaxRows)
        {
            Contracts.CheckValue(estimator, nameof(estimator));
            Contracts.CheckValue(data, nameof(data));
            Contracts.CheckParam(maxTrainingRows >= 0, nameof(maxTrainingRows));
            return new DataDebuggerPreview(estimator.Fit(new SkipTakeView(data, 0, maxTrainingRows)).Transform(data), maxRows);
        }
    }
}
