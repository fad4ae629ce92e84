using Maha.MLNet.Explanation;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Classification;

/// <summary>Trains a classifier of long documents with two classes.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a label column of type Boolean and a column of type Text. Adds <c>Score</c> (Single, the log odds of true),
/// <c>Probability</c> (Single, of true) and <c>PredictedLabel</c> (Boolean, true if the score is positive, which means that the probability is above one half).
/// If <see cref="Options.Threshold"/> chooses another threshold, its log odds are subtracted from the score. With
/// <see cref="MahaSupervisedOptions.ExampleWeightColumnName"/> it also reads the weights of rows (Single). With
/// <see cref="MahaClassifierOptions.Abstention"/> it adds <c>Abstained</c> (Boolean).</para>
/// <para><b>Characteristics, algorithm and cost</b> are those of <see cref="MahaTextClassificationTrainer"/>.</para>
/// </remarks>
public sealed class MahaBinaryTextClassificationTrainer : MahaEstimator<MahaBinaryTextClassificationTrainer.Options, MahaBinaryTextClassificationTransformer>
{
    internal MahaBinaryTextClassificationTrainer(IHostEnvironment environment, Options options) : base(environment, options, ClassifierFitting.Check)
    {
    }

    private protected override MahaBinaryTextClassificationTransformer Train(IDataView input)
    {
        var options = EstimatorOptions;
        var documents = Bind(input, nameof(input));
        var validation = options.ValidationSet is { } validationSet ? Bind(validationSet, nameof(options.ValidationSet)) : null;
        var columns = new ClassifierColumns(
            options.LabelColumnName, options.TextColumnName, options.ScoreColumnName, options.ProbabilityColumnName, options.PredictedLabelColumnName,
            options.AbstainedColumnName, options.ExplanationColumnName);
        var labels = LabelNames.FromFile(nameof(Boolean), [bool.FalseString, bool.TrueString]);
        var fitting = new ClassifierFitting(Host, options, columns, MahaBinaryTextClassificationTransformer.Format);
        return new MahaBinaryTextClassificationTransformer(fitting.Fit(new LabeledData(documents, validation, labels)));
    }

    private protected override IReadOnlyList<SchemaShape.Column> CreateOutputColumns(SchemaShape inputSchema)
    {
        InputColumns.Scalar(inputSchema, EstimatorOptions.LabelColumnName, nameof(inputSchema), "Boolean",
            column => !column.IsKey && column.ItemType is BooleanDataViewType, "Load it as bool, or use MulticlassClassification for keys.");
        InputColumns.Text(inputSchema, EstimatorOptions.TextColumnName, nameof(inputSchema));
        InputColumns.Weight(inputSchema, EstimatorOptions.ExampleWeightColumnName, nameof(inputSchema));
        return
        [
            Scalar(EstimatorOptions.ScoreColumnName, NumberDataViewType.Single),
            Scalar(EstimatorOptions.ProbabilityColumnName, NumberDataViewType.Single, isNormalized: true),
            Scalar(EstimatorOptions.PredictedLabelColumnName, BooleanDataViewType.Instance),
            .. AbstainedColumn.CreateShape(EstimatorOptions),
            .. ExplanationColumns.CreateShapes(EstimatorOptions.ExplanationColumnName),
        ];

        static SchemaShape.Column Scalar(string name, DataViewType type, bool isNormalized = false)
            => ShapeColumn(name, SchemaShape.Column.VectorKind.Scalar, type, false, ScoreColumns.CreateShape(isNormalized));
    }

    private LabeledTexts Bind(IDataView data, string parameter)
    {
        var text = InputColumns.Text(data.Schema, EstimatorOptions.TextColumnName, parameter);
        var label = InputColumns.BooleanLabel(data.Schema, EstimatorOptions.LabelColumnName, parameter);
        return new(data, text, new ClassColumn(label), InputColumns.Weight(data.Schema, EstimatorOptions.ExampleWeightColumnName, parameter));
    }

    /// <summary>The options of <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    public sealed class Options : MahaClassifierOptions
    {
        /// <summary>The name of the added column of the probability of true.</summary>
        /// <value>"Probability".</value>
        public string ProbabilityColumnName { get; set; } = Defaults.ProbabilityColumnName;

        /// <summary>The probability above which true is predicted.</summary>
        /// <value><see cref="BinaryThreshold.Half"/>. The others are chosen on the validation documents, and require some.</value>
        public BinaryThreshold Threshold { get; set; } = BinaryThreshold.Half;
    }
}
