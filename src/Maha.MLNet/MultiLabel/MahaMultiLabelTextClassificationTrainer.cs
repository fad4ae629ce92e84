using Maha.MLNet.Classification;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.MultiLabel;

// L labels

/// <summary>Trains a classifier of long documents that may have several labels each, or none.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a label column and a column of type Text. The label column is a vector of keys (<c>Conversion.MapValueToKey</c>
/// makes it of a vector of texts), a vector of texts, or a text of labels with a separator between them (<see cref="Options.LabelSeparator"/>). Adds
/// <c>Score</c> (<c>Vector&lt;Single&gt;</c> of size L, the log odds of each label minus those of its threshold: positive where the label is predicted),
/// <c>Probability</c> (<c>Vector&lt;Single&gt;</c> of size L, the calibrated probability of each label), <c>PredictedLabels</c> (a variable vector of keys, the
/// labels above their thresholds, the most probable first) and with <see cref="Options.NumberOfTopLabels"/> <c>TopLabels</c> (a vector of keys).
/// <c>Conversion.MapKeyToValue</c> turns keys into labels.</para>
/// <para><b>Characteristics and cost</b> are those of <see cref="MahaTextClassificationTrainer"/>, but it is not exported to ONNX. Linear models over n-grams have a weight for every n-gram and
/// label: with many labels, fewer n-grams are kept.</para>
/// <para><b>Algorithm.</b> The network is that of <see cref="MahaTextClassificationTrainer"/> with a sigmoid for each label, trained by the sum of the binary
/// cross-entropies. Linear models over n-grams are fitted to each label against the documents without it. The weights of n-grams and network, an offset for
/// each label and the thresholds are fitted to the validation documents, which neither has seen. A threshold is the one with the highest F1 score of its label,
/// where a label of few documents leans on the others.</para>
/// </remarks>
public sealed class MahaMultiLabelTextClassificationTrainer
    : MahaEstimator<MahaMultiLabelTextClassificationTrainer.Options, MahaMultiLabelTextClassificationTransformer>
{
    internal MahaMultiLabelTextClassificationTrainer(IHostEnvironment environment, Options options) : base(environment, options, MultiLabelFitting.Check)
    {
    }

    private protected override MahaMultiLabelTextClassificationTransformer Train(IDataView input)
    {
        var training = Bind(input, nameof(input));
        var validation = EstimatorOptions.ValidationSet is { } validationSet ? Bind(validationSet, nameof(Options.ValidationSet)) : null;
        return new(new MultiLabelFitting(Host, EstimatorOptions).Fit(check =>
        {
            var labels = training.Labels.LabelsOf(input, check);
            return new LabeledData(training.WithLabels(labels), validation?.WithLabels(labels, isValidation: true), labels);
        }));
    }

    private protected override IReadOnlyList<SchemaShape.Column> CreateOutputColumns(SchemaShape inputSchema)
    {
        var options = EstimatorOptions;
        LabelSetColumn.Check(inputSchema, options, nameof(inputSchema));
        InputColumns.Text(inputSchema, options.TextColumnName, nameof(inputSchema));
        InputColumns.Weight(inputSchema, options.ExampleWeightColumnName, nameof(inputSchema));
        var values = LabelSetColumn.ValuesOf(inputSchema, options);
        (string, DataViewType)[] names = values is TextDataViewType
            ? [(Annotation.SlotNames, values), (Annotation.TrainingLabelValues, values)]
            : [(Annotation.TrainingLabelValues, values)];
        const SchemaShape.Column.VectorKind fixedSize = SchemaShape.Column.VectorKind.Vector;
        var keys = ScoreColumns.CreateShape(names: [(Annotation.KeyValues, values)]);
        return
        [
            ShapeColumn(options.ScoreColumnName, fixedSize, NumberDataViewType.Single, false, ScoreColumns.CreateShape(names: names)),
            ShapeColumn(options.ProbabilityColumnName, fixedSize, NumberDataViewType.Single, false, ScoreColumns.CreateShape(isNormalized: true, names)),
            ShapeColumn(options.PredictedLabelsColumnName, SchemaShape.Column.VectorKind.VariableVector, NumberDataViewType.UInt32, true, keys),
            .. options.NumberOfTopLabels == 0 ? Array.Empty<SchemaShape.Column>()
                : [ShapeColumn(options.TopLabelsColumnName, fixedSize, NumberDataViewType.UInt32, true, keys)],
        ];
    }

    private BoundColumns Bind(IDataView data, string parameter) => new(
        data, LabelSetColumn.Bind(data.Schema, EstimatorOptions.LabelColumnName, EstimatorOptions.LabelSeparator, parameter),
        InputColumns.Text(data.Schema, EstimatorOptions.TextColumnName, parameter),
        InputColumns.Weight(data.Schema, EstimatorOptions.ExampleWeightColumnName, parameter));

    private sealed record BoundColumns(IDataView Data, LabelSetColumn Labels, DataViewSchema.Column Text, DataViewSchema.Column? Weight)
    {
        public LabeledTexts WithLabels(LabelNames labels, bool isValidation = false) => new(Data, Text, Labels.WithLabels(labels, isValidation), Weight);
    }

    /// <summary>The options of <see cref="MahaMultiLabelTextClassificationTrainer"/>.</summary>
    public sealed class Options : MahaSupervisedOptions
    {
        /// <summary>The text between two labels, where the label column is one text with all labels of a document, such as "linux;network".</summary>
        /// <value>Null: the label column is a vector. Blanks around a label are ignored, and so are empty labels.</value>
        public string? LabelSeparator { get; set; }

        /// <summary>The name of the added column of the probabilities.</summary>
        /// <value>"Probability".</value>
        public string ProbabilityColumnName { get; set; } = Defaults.ProbabilityColumnName;

        /// <summary>The name of the added column of the predicted labels.</summary>
        /// <value>"PredictedLabels".</value>
        public string PredictedLabelsColumnName { get; set; } = "PredictedLabels";

        /// <summary>The number of most probable labels that are listed in an added column, whether they are above their thresholds or not.</summary>
        /// <value>0: there is no such column. At least 0; all labels are listed where there are fewer.</value>
        public int NumberOfTopLabels { get; set; }

        /// <summary>The name of the added column of the most probable labels, the most probable first.</summary>
        /// <value>"TopLabels". Applies with <see cref="NumberOfTopLabels"/>.</value>
        public string TopLabelsColumnName { get; set; } = "TopLabels";
    }
}
