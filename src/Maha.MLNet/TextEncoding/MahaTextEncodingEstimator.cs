using Maha.Layers.Core;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.TextEncoding;

// E width of a vector, M documents, N tokens of a document, D width of a token, L layers, b branching, w window, K width of a spectral part

/// <summary>Learns, from texts without labels, to turn long documents into vectors.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a column of type Text. Adds a <c>Vector&lt;Single&gt;</c> of known size E for every document,
/// and on demand a vector of unknown size with E numbers for every sentence or paragraph.</para>
/// <para><b>Characteristics.</b> Looks at the data to train: yes, it streams it twice (tokenizer, then token ids). Needs labels: no. Deterministic: yes, for a seed and a
/// number of threads, on the CPU, as long as no time limit ends the training. Exportable to ONNX: no. Needs TorchSharp's native package.</para>
/// <para><b>Algorithm.</b> Three parts stand side by side, each with the mean 0 and the same size: the features of a transformer with hierarchical attention
/// (HSA, arXiv 2509.15448; multiscale, MAHA, arXiv 2512.14925, and others by choice), pooled, trained by masked tokens and by two views of a document finding each other; and latent semantic vectors of the document's tokens
/// and pairs of tokens, of the whole and of its beginning. The transformer's token embedding starts from the latent semantic directions.
/// <b>Cost</b> of a document: O(L N (D^2 + b D) + N K) time, with <c>Maha</c> w for b; of fitting: that of the training's tokens, and seconds for the spectral parts.
/// Where thousands of labels are at hand, train <c>MahaTextClassification</c> on them, perhaps from this encoder's weights.</para>
/// </remarks>
public sealed partial class MahaTextEncodingEstimator : IEstimator<MahaTextEncodingTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;

    internal MahaTextEncodingEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        EncoderFitting.Check(options);
        _host = environment.Register(nameof(MahaTextEncodingEstimator));
        // A copy: what the caller changes afterward has no effect.
        _options = (Options)options.Copy();
    }

    /// <summary>Learns from a data view.</summary>
    /// <param name="input">Data with the text column.</param>
    /// <returns>The trained transformer; it owns native memory and is disposable.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or has another type.</exception>
    /// <exception cref="ArgumentException">An option contradicts the pretrained model.</exception>
    /// <exception cref="InvalidOperationException">There are no documents.</exception>
    /// <exception cref="InvalidDataException">The pretrained model's file is damaged or of another kind.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded: a native package is missing, or the system is too old for it. Nothing was read then.</exception>
    public MahaTextEncodingTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var text = InputColumns.Text(input.Schema, _options.ReadColumnName, nameof(input));
        return new MahaTextEncodingTransformer(new EncoderFitting(_host, _options).Fit(input, text));
    }

    /// <summary>What the schema will be behind the trained transformer.</summary>
    /// <param name="inputSchema">The promise of the estimators before.</param>
    /// <returns>The input's columns with the added ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or will have another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        InputColumns.Promised(inputSchema, _options.ReadColumnName, nameof(inputSchema), "Text", column => column.ItemType is TextDataViewType);
        var columns = inputSchema.Where(column => column.Name != _options.OutputColumnName && column.Name != _options.SegmentColumnName).ToList();
        columns.Add(ShapeColumn(_options.OutputColumnName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false));
        if (_options.SegmentColumnName is { } segments)
            columns.Add(ShapeColumn(segments, SchemaShape.Column.VectorKind.VariableVector, NumberDataViewType.Single, false));
        return new SchemaShape(columns);
    }
}
