using Maha.MLNet.Bridge;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests;

/// <summary>The contract of every Maha estimator and its transformer.</summary>
internal static class EstimatorContract
{
    /// <summary>Checks the whole contract.</summary>
    /// <param name="mlContext">The context of the estimator.</param>
    /// <param name="estimator">The estimator.</param>
    /// <param name="valid">Valid data.</param>
    /// <param name="invalid">Data that the estimator must refuse, and a part of the message.</param>
    public static void Check<TTransformer>(MLContext mlContext, IEstimator<TTransformer> estimator, IDataView valid,
        params (IDataView Data, string Message)[] invalid)
        where TTransformer : class, ITransformer, IDisposable
    {
        foreach (var (data, message) in invalid)
        {
            Assert.Contains(message, Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(data)).Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentOutOfRangeException>(() => estimator.GetOutputSchema(Shape(data.Schema)));
        }
        Assert.Throws<ArgumentNullException>(() => estimator.Fit(null!));
        Assert.Throws<ArgumentNullException>(() => estimator.GetOutputSchema(null!));

        var transformer = estimator.Fit(valid);
        PromiseIsDelivered(estimator.GetOutputSchema(Shape(valid.Schema)), transformer.Transform(valid).Schema);
        SchemasAgree(transformer, valid);
        var rows = Rows.Of(transformer.Transform(valid));
        Assert.NotEmpty(rows);
        Assert.Equal(rows, Rows.Of(transformer.Transform(valid)));
        MapperTellsDependencies(transformer, valid);
        CursorsReadAnyColumns(transformer.Transform(valid));
        CursorSetsHaveAllRows(transformer.Transform(valid), rows);
        ShufflingKeepsRows(mlContext, transformer, valid, rows);
        SavedIsLoaded(mlContext, transformer, valid, rows);
        NothingIsReadAfterDispose(transformer, valid);
    }

    /// <summary>Converts a schema to the schema shape that it satisfies.</summary>
    public static SchemaShape Shape(DataViewSchema schema) => new(schema.Where(column => !column.IsHidden).Select(column =>
    {
        var (kind, item, isKey) = Describe(column.Type);
        return MLNetInternals.ShapeColumn(column.Name, kind, item, isKey, Shape(column.Annotations.Schema));
    }));

    /// <summary>Saves into a zip and loads it again.</summary>
    public static ITransformer SaveAndLoad(MLContext mlContext, ITransformer transformer, DataViewSchema schema)
    {
        using var stream = new MemoryStream();
        mlContext.Model.Save(transformer, schema, stream);
        stream.Position = 0;
        // A new context: the result must depend on the file alone.
        return new MLContext().Model.Load(stream, out _);
    }

    private static void PromiseIsDelivered(SchemaShape promise, DataViewSchema delivered)
    {
        Assert.Equal(delivered.Where(column => !column.IsHidden).Select(column => column.Name).Order(), promise.Select(column => column.Name).Order());
        foreach (var column in promise)
            IsDelivered(column, delivered.GetColumnOrNull(column.Name));
    }

    private static void IsDelivered(SchemaShape.Column promised, DataViewSchema.Column? delivered)
    {
        Assert.NotNull(delivered);
        var (kind, item, isKey) = Describe(delivered.Value.Type);
        Assert.Equal((promised.Name, promised.Kind, promised.IsKey, promised.ItemType.RawType), (promised.Name, kind, isKey, item.RawType));
        foreach (var annotation in promised.Annotations)
            IsDelivered(annotation, delivered.Value.Annotations.Schema.GetColumnOrNull(annotation.Name));
        Assert.Equal(promised.Annotations.Select(annotation => annotation.Name).Order(),
            delivered.Value.Annotations.Schema.Select(annotation => annotation.Name).Order());
    }

    private static (SchemaShape.Column.VectorKind Kind, DataViewType Item, bool IsKey) Describe(DataViewType type)
    {
        var (kind, item) = type is VectorDataViewType vector
            ? (vector.Size > 0 ? SchemaShape.Column.VectorKind.Vector : SchemaShape.Column.VectorKind.VariableVector, vector.ItemType)
            : (SchemaShape.Column.VectorKind.Scalar, type);
        return item is KeyDataViewType key ? (kind, NumberDataViewType.UInt32, key.RawType == typeof(uint)) : (kind, item, false);
    }

    private static void SchemasAgree(ITransformer transformer, IDataView data)
    {
        var schema = transformer.GetOutputSchema(data.Schema);
        var transformed = transformer.Transform(data).Schema;
        Assert.Equal(schema.Select(Show), transformed.Select(Show));
        Assert.Equal(schema.Select(Show), transformer.GetRowToRowMapper(data.Schema).OutputSchema.Select(Show));
        static string Show(DataViewSchema.Column column) => $"{column.Index} {column.Name} {column.Type} {column.IsHidden}";
    }

    private static void MapperTellsDependencies(ITransformer transformer, IDataView data)
    {
        Assert.True(transformer.IsRowToRowMapper);
        var mapper = transformer.GetRowToRowMapper(data.Schema);
        Assert.Same(mapper.OutputSchema, transformer.GetRowToRowMapper(data.Schema).OutputSchema);
        Assert.Same(data.Schema, mapper.InputSchema);
        Assert.Empty(mapper.GetDependencies([]));
        foreach (var column in mapper.OutputSchema)
        {
            var needed = mapper.GetDependencies([column]).ToList();
            if (column.Index < data.Schema.Count)
                Assert.Equal(column.Index, Assert.Single(needed).Index);
            else
                Assert.NotEmpty(needed);
            // The dependencies must be sufficient to compute the column.
            using var cursor = data.GetRowCursor(needed);
            using var row = mapper.GetRow(cursor, [column]);
            Assert.True(cursor.MoveNext());
            Rows.Getter(row, column)();
            Assert.Equal(cursor.Position, row.Position);
        }
    }

    private static void CursorsReadAnyColumns(IDataView data)
    {
        var visible = data.Schema.Where(column => !column.IsHidden).ToList();
        var all = visible.Select(column => Rows.Of(data, [column])).ToList();
        for (int subset = 0; subset < 1 << visible.Count; subset++)
        {
            var active = visible.Where((_, i) => (subset >> i & 1) == 1).ToList();
            using var cursor = data.GetRowCursor(active);
            Assert.All(visible, column => Assert.Equal(active.Contains(column), cursor.IsColumnActive(column)));
            foreach (var column in visible.Except(active))
                Assert.ThrowsAny<Exception>(() => Rows.Getter(cursor, column));
            if (subset % 5 != 0)
                continue; // reads the rows of every fifth subset only, to save time
            var rows = Rows.Of(cursor, active);
            Assert.Equal(all[0].Count, rows.Count);
            for (int i = 0; i < rows.Count; i++)
                Assert.Equal(string.Join("; ", active.Select(column => all[visible.IndexOf(column)][i])), rows[i]);
        }
        using var strange = data.GetRowCursor([]);
        Assert.ThrowsAny<ArgumentException>(() => strange.IsColumnActive(default));
    }

    private static void CursorSetsHaveAllRows(IDataView data, List<string> rows)
    {
        var columns = data.Schema.Where(column => !column.IsHidden).ToList();
        foreach (int n in new[] { 1, 3 })
        {
            var cursors = data.GetRowCursorSet(columns, n);
            Assert.InRange(cursors.Length, 1, n);
            var read = new List<string>();
            foreach (var cursor in cursors)
            {
                using (cursor)
                    read.AddRange(Rows.Of(cursor, columns));
            }
            Rows.Agree(rows.Order(), read.Order());
        }
    }

    private static void ShufflingKeepsRows(MLContext mlContext, ITransformer transformer, IDataView data, List<string> rows)
    {
        Assert.Equal(data.CanShuffle, transformer.Transform(data).CanShuffle);
        Assert.Equal(data.GetRowCount(), transformer.Transform(data).GetRowCount());
        var view = transformer.Transform(data);
        Rows.Agree(rows.Order(), Rows.Of(view, view.Schema.Where(column => !column.IsHidden), new Random(3)).Order());
        var shuffled = Rows.Of(transformer.Transform(mlContext.Data.ShuffleRows(data, seed: 3)));
        Assert.NotEqual(rows, shuffled);
        Rows.Agree(rows.Order(), shuffled.Order());
        Rows.Agree(rows.Order(), Rows.Of(mlContext.Data.ShuffleRows(transformer.Transform(data), seed: 3)).Order());
    }

    private static void SavedIsLoaded(MLContext mlContext, ITransformer transformer, IDataView data, List<string> rows)
    {
        var loaded = SaveAndLoad(mlContext, transformer, data.Schema);
        Assert.Equal(rows, Rows.Of(loaded.Transform(data)));
        foreach (var column in transformer.GetOutputSchema(data.Schema))
            Assert.Equal(Rows.Annotations(column), Rows.Annotations(loaded.GetOutputSchema(data.Schema)[column.Index]));
        // A loaded model can be saved again.
        using var again = (IDisposable)SaveAndLoad(mlContext, loaded, data.Schema);
        Assert.Equal(rows, Rows.Of(((ITransformer)again).Transform(data)));
        ((IDisposable)loaded).Dispose();
    }

    private static void NothingIsReadAfterDispose<TTransformer>(TTransformer transformer, IDataView data) where TTransformer : ITransformer, IDisposable
    {
        var view = transformer.Transform(data);
        transformer.Dispose();
        transformer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Rows.Of(view));
        Assert.Throws<ObjectDisposedException>(() => new MLContext().Model.Save(transformer, data.Schema, Stream.Null));
    }
}
