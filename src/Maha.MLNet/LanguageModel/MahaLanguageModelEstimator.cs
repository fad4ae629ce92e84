using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.LanguageModel;

// C tokens of a context, D width of a token, L layers, V vocabulary, w window, b branching, n tokens so far

/// <summary>Trains a causal language model on texts. The model scores documents and continues prompts.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a column of type Text. Adds <c>LogLikelihood</c> (or another name), a <c>Single</c>: the mean of
/// ln p(token | tokens before it) over the document's tokens. Adds <c>Perplexity</c>, a <c>Single</c>: the exponential of its negative. For a document without
/// tokens both are NaN, the missing value. The trained transformer also has <see cref="MahaLanguageModelTransformer.Generate"/>,
/// <see cref="MahaLanguageModelTransformer.GenerateAsync"/> and <see cref="MahaLanguageModelTransformer.Score"/>.</para>
/// <para><b>Characteristics.</b> Looks at the data to train: yes, it streams it twice (tokenizer, then token ids). Needs labels: no. Deterministic: yes, for
/// a seed and a number of threads, on the CPU, unless a time limit ends the training. Exportable to ONNX: no. Needs TorchSharp's native package.</para>
/// <para><b>Algorithm.</b> A byte-level BPE tokenizer is trained on the texts. The documents are concatenated, with an end-of-text token between them, and
/// cut into contexts of C tokens. A transformer of L layers with strictly causal attention (hierarchical, arXiv 2509.15448, by default; multiscale, arXiv
/// 2512.14925, and others can be chosen) is trained to predict the next token.</para>
/// <para><b>Cost</b> per token: O(L (D^2 + w D) + V D) in training, for every C. In generation it is the same with <c>Maha</c> and <c>Window</c>,
/// O(L (D^2 + b D log n) + V D) with <c>HsaCausal</c>, and O(L (D^2 + n D) + V D) with <c>Full</c>.</para>
/// <para>A model of a few megabytes of text does not know facts or follow instructions: it learns the style of its texts. To classify documents use
/// <c>MahaTextClassification</c>; to compare them use <c>MahaEncode</c>.</para>
/// </remarks>
public sealed partial class MahaLanguageModelEstimator : MahaEstimator<MahaLanguageModelEstimator.Options, MahaLanguageModelTransformer>
{
    internal MahaLanguageModelEstimator(IHostEnvironment environment, Options options) : base(environment, options, LanguageModelFitting.Check)
    {
    }

    private protected override MahaLanguageModelTransformer Train(IDataView input)
    {
        var text = InputColumns.Text(input.Schema, EstimatorOptions.ReadColumnName, nameof(input));
        return new MahaLanguageModelTransformer(new LanguageModelFitting(Host, EstimatorOptions).Fit(input, text));
    }

    private protected override IReadOnlyList<SchemaShape.Column> CreateOutputColumns(SchemaShape inputSchema)
    {
        InputColumns.Text(inputSchema, EstimatorOptions.ReadColumnName, nameof(inputSchema));
        return
        [
            ShapeColumn(EstimatorOptions.OutputColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false),
            ShapeColumn(EstimatorOptions.PerplexityColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false),
        ];
    }
}
