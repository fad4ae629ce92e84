using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet;

/// <summary>
/// What Maha's transformers share: they add columns, each row's from that row alone, own native memory, and save themselves into ordinary ML.NET zips.
/// </summary>
/// <remarks>
/// A transformer may be used from many threads at once. Views made by <see cref="Transform"/> are lazy: dispose the transformer after the last of them was read.
/// Prediction engines compute one row at a time. The cursors of a view read rows ahead (one first, then twice as many every time, up to 128) and compute documents together, which takes less time;
/// a document's numbers are the same either way, up to the rounding of sums.
/// </remarks>
public abstract class MahaTransformer : ITransformer, IDisposable
{
    private readonly ITextModel _model;
    private readonly Lock _lock = new();
    private RowToRowMapper? _mapper;

    private protected MahaTransformer(ITextModel model) => _model = model;

    /// <summary>True: every output row depends on one input row only.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>The schema with the added columns.</summary>
    /// <param name="inputSchema">A schema with the columns that the transformer reads.</param>
    /// <returns>The input's columns and behind them the added ones.</returns>
    /// <exception cref="ArgumentException">A column that the transformer reads is missing or has another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => MapperFor(inputSchema).OutputSchema;

    /// <summary>The row-to-row mapper over a schema.</summary>
    /// <param name="inputSchema">A schema with the columns that the transformer reads.</param>
    /// <returns>The mapper; one object for one schema, as long as the schema does not change between calls.</returns>
    /// <exception cref="ArgumentException">A column that the transformer reads is missing or has another type.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => MapperFor(inputSchema);

    /// <summary>A lazy view with the added columns.</summary>
    /// <param name="input">The data.</param>
    /// <returns>The view; what it adds is computed when it is read.</returns>
    /// <exception cref="ArgumentException">A column that the transformer reads is missing or has another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedDataView(input, MapperFor(input.Schema));
    }

    /// <summary>Writes the weights as one safetensors file, with tokenizer and description in its text pairs: what <c>PretrainedModel</c> of Maha's estimators takes, as it takes a zip.</summary>
    /// <param name="path">The file's path; an existing file is replaced when the new one is complete.</param>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public void SaveWeights(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _model.SaveWeights(path);
    }

    /// <summary>Frees the network. Views and prediction engines over this transformer cannot be read afterwards.</summary>
    public void Dispose()
    {
        _model.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected abstract RowMapping CreateMapping(DataViewSchema inputSchema);

    void ICanSaveModel.Save(ModelSaveContext ctx)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        _model.Save(ctx);
    }

    // The last mapper is kept: a prediction engine compares the schema objects of mapper and rows.
    private RowToRowMapper MapperFor(DataViewSchema inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        lock (_lock)
        {
            if (_mapper?.InputSchema != inputSchema)
                _mapper = new RowToRowMapper(inputSchema, CreateMapping(inputSchema));
            return _mapper;
        }
    }
}
