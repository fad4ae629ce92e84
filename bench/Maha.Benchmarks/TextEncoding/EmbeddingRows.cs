using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Benchmarks.TextEncoding;

/// <summary>A document for ML.NET.</summary>
internal sealed class TextRow
{
    public string Label { get; set; } = "";

    public string Text { get; set; } = "";
}

/// <summary>A document's vector for ML.NET.</summary>
internal sealed class VectorRow
{
    public string Label { get; set; } = "";

    public float[] Features { get; set; } = [];

    /// <summary>A view whose vectors have a known size.</summary>
    public static IDataView View(MLContext mlContext, IReadOnlyList<VectorRow> rows)
    {
        var schema = SchemaDefinition.Create(typeof(VectorRow));
        schema[nameof(Features)].ColumnType = new VectorDataViewType(NumberDataViewType.Single, rows[0].Features.Length);
        return mlContext.Data.LoadFromEnumerable(rows, schema);
    }
}
