using Maha.MLNet.Explanation;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Classification;

// C classes, N tokens of a document, D width, L layers, b branching, w window

/// <summary>Trains a classifier of long documents with two or more classes.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a label column of keys (<c>Key&lt;UInt32&gt;</c>, as <c>Conversion.MapValueToKey</c> makes it) and a column
/// of type Text. Adds <c>Score</c>, a <c>Vector&lt;Single&gt;</c> of size C with the probabilities of the classes, and <c>PredictedLabel</c>, the key of the
/// class with the highest one; <c>Conversion.MapKeyToValue</c> turns it back into a label. Rows without a label are left out of the training, with a
/// warning. With <see cref="MahaSupervisedOptions.ExampleWeightColumnName"/> it also reads the weights of rows (Single). With
/// <see cref="MahaClassifierOptions.Abstention"/> it adds <c>Abstained</c> (Boolean).</para>
/// <para><b>Characteristics.</b> Looks at the data to train: yes, it streams it twice (tokenizer, then token ids). Deterministic: yes, for a seed and a
/// number of threads, on the CPU, unless a time limit ends the training. Exportable to ONNX: yes, by the package Maha.Onnx. Needs TorchSharp's native package.
/// Runs on the CPU, or on the GPU that <c>MLContext.GpuDeviceId</c> names.</para>
/// <para><b>Algorithm.</b> A byte-level BPE tokenizer is trained on the texts. A transformer of L layers with hierarchical attention (HSA, arXiv 2509.15448;
/// multiscale, MAHA, arXiv 2512.14925, and others can be chosen) reads up to 16,384 tokens. The mean and the maximum over the tokens go through a linear
/// layer and a softmax. It is trained by AdamW with a warm-up and a cosine schedule, and with early stopping on validation documents. Linear models over
/// n-grams of the document and of its segments are fitted in addition, stacked on held-out folds. The validation documents decide the weights of n-grams and
/// network.</para>
/// <para><b>Cost</b> of a document: O(L N (D^2 + b D)) time, with <c>Maha</c> w for b, and O(L N D) memory; nothing of size N x N is allocated. The n-grams
/// take seconds. If the words alone decide the class, the n-grams already have most of the accuracy, and a small network is enough.</para>
/// </remarks>
public sealed class MahaTextClassificationTrainer : MahaEstimator<MahaTextClassificationTrainer.Options, MahaTextClassificationTransformer>
{
    internal MahaTextClassificationTrainer(IHostEnvironment environment, Options options) : base(environment, options, ClassifierFitting.Check)
    {
    }

    private protected override MahaTextClassificationTransformer Train(IDataView input)
    {
        var options = EstimatorOptions;
        var (documents, labels) = Bind(input, nameof(input));
        LabeledTexts? validation = null;
        if (options.ValidationSet is { } validationSet)
        {
            (validation, var validationLabels) = Bind(validationSet, nameof(options.ValidationSet));
            labels.RequireKeys(validationLabels, nameof(options.ValidationSet), isValidation: true);
        }
        var columns = new ClassifierColumns(
            options.LabelColumnName, options.TextColumnName, options.ScoreColumnName, null, options.PredictedLabelColumnName, options.AbstainedColumnName,
            options.ExplanationColumnName);
        var fitting = new ClassifierFitting(Host, options, columns, MahaTextClassificationTransformer.Format);
        return new MahaTextClassificationTransformer(fitting.Fit(new LabeledData(documents, validation, labels)));
    }

    private protected override IReadOnlyList<SchemaShape.Column> CreateOutputColumns(SchemaShape inputSchema)
    {
        var label = InputColumns.Scalar(inputSchema, EstimatorOptions.LabelColumnName, nameof(inputSchema), "a key of UInt32",
            column => column.IsKey && column.ItemType == NumberDataViewType.UInt32, "Append Conversion.MapValueToKey before the trainer.");
        InputColumns.Text(inputSchema, EstimatorOptions.TextColumnName, nameof(inputSchema));
        InputColumns.Weight(inputSchema, EstimatorOptions.ExampleWeightColumnName, nameof(inputSchema));
        var values = Find(label.Annotations, Annotation.KeyValues)?.ItemType ?? NumberDataViewType.UInt32;
        var scoreAnnotations = values is TextDataViewType
            ? ScoreColumns.CreateShape(names: [(Annotation.SlotNames, values), (Annotation.TrainingLabelValues, values)])
            : ScoreColumns.CreateShape(names: [(Annotation.TrainingLabelValues, values)]);
        var labelAnnotations = ScoreColumns.CreateShape(names: [(Annotation.KeyValues, values)]);
        return
        [
            ShapeColumn(EstimatorOptions.ScoreColumnName, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false, scoreAnnotations),
            ShapeColumn(EstimatorOptions.PredictedLabelColumnName, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, labelAnnotations),
            .. AbstainedColumn.CreateShape(EstimatorOptions),
            .. ExplanationColumns.CreateShapes(EstimatorOptions.ExplanationColumnName),
        ];
    }

    private (LabeledTexts Documents, LabelNames Labels) Bind(IDataView data, string parameter)
    {
        var label = InputColumns.KeyLabel(data.Schema, EstimatorOptions.LabelColumnName, parameter);
        var text = InputColumns.Text(data.Schema, EstimatorOptions.TextColumnName, parameter);
        int count = (int)((KeyDataViewType)label.Type).Count;
        var weight = InputColumns.Weight(data.Schema, EstimatorOptions.ExampleWeightColumnName, parameter);
        return (new LabeledTexts(data, text, new ClassColumn(label), weight), LabelNames.FromColumn(label) ?? LabelNames.Numbered(count));
    }

    /// <summary>The options of <see cref="MahaTextClassificationTrainer"/>.</summary>
    public sealed class Options : MahaClassifierOptions
    {
    }
}
