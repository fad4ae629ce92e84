using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public sealed partial class DataOperationsCatalog : IInternalCatalog
{
    private readonly IHostEnvironment _env;

    internal DataOperationsCatalog(IHostEnvironment env)
    {
        _env = env;
    }

    IHostEnvironment IInternalCatalog.Environment => _env;

    public struct TrainTestData
    {
        public readonly IDataView TrainSet;
        public readonly IDataView TestSet;

        internal TrainTestData(IDataView trainSet, IDataView testSet)
        {
            TrainSet = trainSet;
            TestSet = testSet;
        }
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, SchemaDefinition schemaDefinition = null) where TRow : class
    {
        _env.CheckValue(data, nameof(data));
        return new EnumerableDataView<TRow>(data, schemaDefinition);
    }

    public IDataView LoadFromEnumerable<TRow>(IEnumerable<TRow> data, DataViewSchema schema) where TRow : class
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckValue(schema, nameof(schema));
        return new EnumerableDataView<TRow>(data, SchemaDefinition.Create(typeof(TRow), schema));
    }

    public IEnumerable<TRow> CreateEnumerable<TRow>(IDataView data, bool reuseRowObject, bool ignoreMissingColumns = false, SchemaDefinition schemaDefinition = null) where TRow : class, new()
    {
        _env.CheckValue(data, nameof(data));
        (IReadOnlyList<DataViewSchema.Column> columns, Func<DataViewRow, Action<TRow>> bind) =
            RowType<TRow>.Create(schemaDefinition, SchemaDefinition.Direction.Write).Match(_env, data.Schema, ignoreMissingColumns);
        return Enumerate();

        IEnumerable<TRow> Enumerate()
        {
            using DataViewRowCursor cursor = data.GetRowCursor(columns);
            Action<TRow> fill = bind(cursor);
            TRow row = null;
            while (cursor.MoveNext())
            {
                if (!reuseRowObject || row == null)
                    row = new TRow();
                fill(row);
                yield return row;
            }
        }
    }

    public IDataView Cache(IDataView input, params string[] columnsToPrefetch)
    {
        _env.CheckValue(input, nameof(input));
        var cache = new CacheDataView(input);
        cache.Prefetch((columnsToPrefetch ?? []).Select(name => input.Schema[name]));
        return cache;
    }
}
