using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.TextEncoding;

// E width of a vector, M documents, N tokens of a document, D width of a token, L layers, b branching, w window, K width of a spectral part

/// <summary>Learns, from texts without labels, to turn long documents into vectors.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a column of type Text. Adds a <c>Vector&lt;Single&gt;</c> of known size E for each document. If a segment
/// column is named, it also adds a vector of unknown size, with E numbers for each sentence, paragraph or window; if a column of offsets is named, it also adds
/// a vector of Int32 with the range of characters of each.</para>
/// <para><b>Characteristics.</b> Looks at the data to train: yes, it streams it twice (tokenizer, then token ids). Needs labels: no. Deterministic: yes, for
/// a seed and a number of threads, on the CPU, unless a time limit ends the training. Exportable to ONNX: yes, by the package Maha.Onnx. Needs TorchSharp's native
/// package.</para>
/// <para><b>Algorithm.</b> A vector consists of three parts, each with mean 0; <see cref="Options.ContextualWeight"/> is the size of the first relative to the
/// others. The first is the pooled output of a transformer with hierarchical attention (HSA, arXiv 2509.15448; multiscale, MAHA, arXiv 2512.14925, and others can be chosen). It is trained to predict masked tokens, and to
/// recognize the other of two views of a document. The other two parts are latent semantic vectors of the document's tokens and pairs of tokens: of the whole
/// document and of its beginning. The transformer's token embedding starts from the latent semantic directions.</para>
/// <para><b>Pretrained encoders.</b> An encoder in BERT layout (<see cref="Options.PretrainedModel"/>) reads documents in windows of 256 tokens. The first part
/// is then the mean of the features of all tokens, and is not trained; the other two are fitted to the texts, with a vocabulary learned from them.</para>
/// <para><b>Cost</b> of a document: O(L N (D^2 + b D) + N K) time, with <c>Maha</c> w for b. Fitting takes the time of the training's tokens, and seconds for
/// the spectral parts. If thousands of labels are available, train <c>MahaTextClassification</c> on them, perhaps from this encoder's weights.</para>
/// </remarks>
public sealed partial class MahaTextEncodingEstimator : MahaEstimator<MahaTextEncodingEstimator.Options, MahaTextEncodingTransformer>
{
    internal MahaTextEncodingEstimator(IHostEnvironment environment, Options options) : base(environment, options, EncoderFitting.Check)
    {
    }

    private protected override MahaTextEncodingTransformer Train(IDataView input)
    {
        var text = InputColumns.Text(input.Schema, EstimatorOptions.ReadColumnName, nameof(input));
        return new MahaTextEncodingTransformer(new EncoderFitting(Host, EstimatorOptions).Fit(input, text));
    }

    private protected override IReadOnlyList<SchemaShape.Column> CreateOutputColumns(SchemaShape inputSchema)
    {
        InputColumns.Text(inputSchema, EstimatorOptions.ReadColumnName, nameof(inputSchema));
        var columns = new List<SchemaShape.Column>
        {
            ShapeColumn(EstimatorOptions.OutputColumnName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false),
        };
        if (EstimatorOptions.SegmentColumnName is { } segments)
            columns.Add(ShapeColumn(segments, SchemaShape.Column.VectorKind.VariableVector, NumberDataViewType.Single, false));
        if (EstimatorOptions.SegmentOffsetsColumnName is { } offsets)
            columns.Add(ShapeColumn(offsets, SchemaShape.Column.VectorKind.VariableVector, NumberDataViewType.Int32, false));
        return columns;
    }
}
