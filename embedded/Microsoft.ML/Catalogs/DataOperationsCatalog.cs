using System.Numerics;
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
        DataViewSchema.Column[] columns = [.. (columnsToPrefetch ?? []).Select(name =>
            input.Schema.GetColumnOrNull(name) ?? throw _env.ExceptSchemaMismatch(nameof(columnsToPrefetch), "prefetch", name))];
        if (columns.Length > 0)
            cache.Prefetch(columns);
        return cache;
    }

    public IDataView FilterRowsByColumn(IDataView input, string columnName, double lowerBound = double.NegativeInfinity, double upperBound = double.PositiveInfinity)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckNonEmpty(columnName, nameof(columnName));
        _env.CheckParam(lowerBound < upperBound, nameof(upperBound), $"The upper bound must be greater than the lower bound, but {upperBound} <= {lowerBound}.");
        DataViewSchema.Column column = input.Schema[columnName];
        if (column.Type is not NumberDataViewType)
            throw _env.ExceptSchemaMismatch(nameof(columnName), "filter", columnName, "number", column.Type.ToString());
        if (column.Type.RawType != typeof(float) && column.Type.RawType != typeof(double))
            throw _env.ExceptUserArg("Column", $"Column '{columnName}' does not have compatible type: it must be Single or Double, but is {column.Type}");
        return (IDataView)Generic.Invoke(FilterRows<float>, column.Type.RawType, input, column, lowerBound, upperBound);
    }

    private static FilterView FilterRows<T>(IDataView input, DataViewSchema.Column column, double lowerBound, double upperBound) where T : INumber<T> =>
        new(input, column, input.CanShuffle, row =>
        {
            ValueGetter<T> getter = row.GetGetter<T>(column);
            T value = default;
            return () =>
            {
                getter(ref value);
                double number = double.CreateChecked(value);
                return number >= lowerBound && number < upperBound;
            };
        });

    public IDataView ShuffleRows(IDataView input, int? seed = null, int shufflePoolSize = 1000, bool shuffleSource = true)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckUserArg(shufflePoolSize > 0, nameof(shufflePoolSize), "Must be positive");
        return new ShuffleView(input, seed ?? _env.Register("Shuffle").Rand.Next(), shufflePoolSize, shuffleSource);
    }

    public IDataView SkipRows(IDataView input, long count)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckUserArg(count > 0, nameof(count), "Must be greater than zero.");
        return new SkipTakeView(input, count, long.MaxValue);
    }

    public IDataView TakeRows(IDataView input, long count)
    {
        _env.CheckValue(input, nameof(input));
        _env.CheckUserArg(count > 0, nameof(count), "Must be greater than zero.");
        return new SkipTakeView(input, 0, count);
    }

    public TrainTestData TrainTestSplit(IDataView data, double testFraction = 0.1, string samplingKeyColumnName = null, int? seed = null)
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckParam(testFraction is > 0 and < 1, nameof(testFraction), "Must be between 0 and 1 exclusive");
        return new RowSplit(_env, data, samplingKeyColumnName, seed).Split(0, testFraction, includeMax: false);
    }

    public IReadOnlyList<TrainTestData> CrossValidationSplit(IDataView data, int numberOfFolds = 5, string samplingKeyColumnName = null, int? seed = null)
    {
        _env.CheckValue(data, nameof(data));
        _env.CheckParam(numberOfFolds > 1, nameof(numberOfFolds), "Must be more than 1");
        var split = new RowSplit(_env, data, samplingKeyColumnName, seed);
        return [.. Enumerable.Range(0, numberOfFolds).Select(fold => split.Split((double)fold / numberOfFolds, (double)(fold + 1) / numberOfFolds, includeMax: true))];
    }
}
