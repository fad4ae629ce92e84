using Maha.Layers.Core;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet;

/// <summary>
/// The base of Maha's transformers. A transformer adds columns that it computes row by row, owns native memory, and is saved in an ordinary ML.NET zip.
/// </summary>
/// <remarks>
/// A transformer may be used from many threads at once. The views of <see cref="Transform"/> are lazy: dispose the transformer after the last of them was read.
/// A prediction engine computes one row at a time. The cursors of a view read rows ahead (first one, then twice as many each time, up to 128) and compute their
/// documents together, which takes less time. A document's numbers are the same either way, up to the rounding of sums.
/// </remarks>
public abstract class MahaTransformer : ITransformer, IDisposable
{
    private readonly ITextModel _model;
    private readonly Lock _lock = new();
    private RowToRowMapper? _mapper;

    private protected MahaTransformer(ITextModel model) => _model = model;

    /// <summary>The model that the transformer owns.</summary>
    internal ITextModel Model => _model;

    /// <summary>True: each output row depends on one input row only.</summary>
    public bool IsRowToRowMapper => true;

    /// <summary>Returns the schema with the added columns.</summary>
    /// <param name="inputSchema">A schema with the columns that the transformer reads.</param>
    /// <returns>The columns of the input, then the added ones.</returns>
    /// <exception cref="ArgumentException">A column that the transformer reads is missing or has another type.</exception>
    public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => MapperFor(inputSchema).OutputSchema;

    /// <summary>Returns the row-to-row mapper for a schema.</summary>
    /// <param name="inputSchema">A schema with the columns that the transformer reads.</param>
    /// <returns>The mapper: the same object as in the call before, if the schema is the same.</returns>
    /// <exception cref="ArgumentException">A column that the transformer reads is missing or has another type.</exception>
    public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => MapperFor(inputSchema);

    /// <summary>Returns a lazy view with the added columns.</summary>
    /// <param name="input">The data.</param>
    /// <returns>The view. The added columns are computed when they are read.</returns>
    /// <exception cref="ArgumentException">A column that the transformer reads is missing or has another type.</exception>
    public IDataView Transform(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return new MappedDataView(input, MapperFor(input.Schema));
    }

    /// <summary>Writes the network, its tokenizer and its options to one safetensors file. A classifier's n-grams are left out.</summary>
    /// <param name="path">The path of the file. An existing file is replaced when the new one is complete.</param>
    /// <remarks>The <c>PretrainedModel</c> option of Maha's estimators accepts such a file, and also a zip.</remarks>
    /// <exception cref="ArgumentException">The path is null or empty, or has the character NUL.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder does not exist.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write the file. An existing file is unchanged.</exception>
    /// <exception cref="IOException">The file can't be written, for instance because the disk is full. An existing file is unchanged.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public void SaveWeights(string path)
    {
        AtomicFile.RequirePath(path);
        _model.SaveWeights(path);
    }

    /// <summary>Frees the network. Views and prediction engines over this transformer can't be read afterward.</summary>
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

    // The last mapper is kept, since a prediction engine compares the schema objects of mapper and rows.
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
