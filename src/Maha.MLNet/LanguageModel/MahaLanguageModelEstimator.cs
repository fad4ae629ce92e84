using Maha.Layers.Core;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.LanguageModel;

// C tokens of a context, D width of a token, L layers, V vocabulary, w window, b branching, n tokens so far

/// <summary>Trains a causal language model on texts: it scores documents and continues prompts.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a column of type Text. Adds <c>LogLikelihood</c> (or the name that you give), a <c>Single</c>: the mean of ln p(token | tokens before it)
/// over the document's tokens; and <c>Perplexity</c>, a <c>Single</c>: the exponential of its negative. A document without tokens has NaN, the missing value, in both.
/// The fitted transformer also has <see cref="MahaLanguageModelTransformer.Generate"/>, <see cref="MahaLanguageModelTransformer.GenerateAsync"/> and <see cref="MahaLanguageModelTransformer.Score"/>.</para>
/// <para><b>Characteristics.</b> Looks at the data to train: yes, it streams it twice (tokenizer, then token ids). Needs labels: no. Deterministic: yes, for a seed and a
/// number of threads, on the CPU, as long as no time limit ends the training. Exportable to ONNX: no. Needs TorchSharp's native package.</para>
/// <para><b>Algorithm.</b> A byte-level BPE tokenizer is trained on the texts; the documents stand behind each other, parted by an end-of-text token, and are cut into contexts of C tokens;
/// a transformer of L layers with strictly causal attention (hierarchical, arXiv 2509.15448, by default, or multiscale, arXiv 2512.14925, and others) learns to tell the next token. <b>Cost</b> of a token:
/// O(L (D^2 + w D) + V D) in training, whatever C; in generation the same with <c>Maha</c> and <c>Window</c>, O(L (D^2 + b D log n) + V D) with <c>HsaCausal</c>, O(L (D^2 + n D) + V D) with <c>Full</c>.
/// Do not expect a model of megabytes of text to know facts or to follow instructions: it learns the manner of its texts. To sort documents use <c>MahaTextClassification</c>, to compare them <c>MahaEncode</c>.</para>
/// </remarks>
public sealed partial class MahaLanguageModelEstimator : IEstimator<MahaLanguageModelTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;

    internal MahaLanguageModelEstimator(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        LanguageModelFitting.Check(options);
        _host = environment.Register(nameof(MahaLanguageModelEstimator));
        // A copy: what the caller changes afterward has no effect.
        _options = (Options)options.Copy();
    }

    /// <summary>Trains on a data view.</summary>
    /// <param name="input">Data with the text column.</param>
    /// <returns>The trained transformer; it owns native memory and is disposable.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">There is no text.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded: a native package is missing, or the system is too old for it. Nothing was read then.</exception>
    public MahaLanguageModelTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var text = InputColumns.Text(input.Schema, _options.ReadColumnName, nameof(input));
        return new MahaLanguageModelTransformer(new LanguageModelFitting(_host, _options).Fit(input, text));
    }

    /// <summary>What the schema will be behind the trained transformer.</summary>
    /// <param name="inputSchema">The promise of the estimators before.</param>
    /// <returns>The input's columns with the added ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The column is missing or will have another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        InputColumns.Promised(inputSchema, _options.ReadColumnName, nameof(inputSchema), "Text", column => column.ItemType is TextDataViewType);
        var columns = inputSchema.Where(column => column.Name != _options.OutputColumnName && column.Name != _options.PerplexityColumnName).ToList();
        foreach (string added in new[] { _options.OutputColumnName, _options.PerplexityColumnName })
            columns.Add(ShapeColumn(added, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false));
        return new SchemaShape(columns);
    }
}
