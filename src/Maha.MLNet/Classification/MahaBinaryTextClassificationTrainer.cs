using Maha.Layers.Core;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

namespace Maha.MLNet.Classification;

/// <summary>Trains a classifier that tells long documents of two classes apart.</summary>
/// <remarks>
/// <para><b>Input and output columns.</b> Reads a label column of type Boolean and a column of type Text.
/// Adds <c>Score</c> (Single, the log odds of true), <c>Probability</c> (Single, of true) and <c>PredictedLabel</c> (Boolean, true where the score is
/// positive: the probability is above one half). Where <see cref="Options.Threshold"/> chooses another threshold, its log odds are taken off the score.</para>
/// <para><b>Characteristics, algorithm and cost</b> are those of <see cref="MahaTextClassificationTrainer"/>.</para>
/// </remarks>
public sealed class MahaBinaryTextClassificationTrainer : IEstimator<MahaBinaryTextClassificationTransformer>
{
    private readonly IHost _host;
    private readonly Options _options;

    /// <summary>The options of <see cref="MahaBinaryTextClassificationTrainer"/>.</summary>
    public sealed class Options : MahaClassifierOptions
    {
        /// <summary>The column of the probability of true that is added.</summary>
        /// <value>"Probability".</value>
        public string ProbabilityColumnName { get; set; } = Defaults.ProbabilityColumnName;

        /// <summary>From which probability on true is predicted.</summary>
        /// <value><see cref="BinaryThreshold.Half"/>. The others are chosen on the validation documents and need some.</value>
        public BinaryThreshold Threshold { get; set; } = BinaryThreshold.Half;
    }

    internal MahaBinaryTextClassificationTrainer(IHostEnvironment environment, Options options)
    {
        ArgumentNullException.ThrowIfNull(environment);
        ArgumentNullException.ThrowIfNull(options);
        ClassifierFitting.Check(options);
        _host = environment.Register(nameof(MahaBinaryTextClassificationTrainer));
        // A copy: what the caller changes afterward has no effect.
        _options = (Options)options.Copy();
    }

    /// <summary>Trains on a data view.</summary>
    /// <param name="input">Data with the label and the text column.</param>
    /// <returns>The trained transformer; it owns native memory and is disposable.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or has another type.</exception>
    /// <exception cref="InvalidOperationException">There are not documents of both classes.</exception>
    /// <exception cref="OperationCanceledException">The training was cancelled.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded: a native package is missing, or the system is too old for it. Nothing was read then.</exception>
    public MahaBinaryTextClassificationTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        var documents = Bind(input, nameof(input));
        var validation = _options.ValidationSet is { } set ? Bind(set, nameof(_options.ValidationSet)) : null;
        var columns = new ClassifierColumns(_options.LabelColumnName, _options.TextColumnName, _options.ScoreColumnName, _options.ProbabilityColumnName, _options.PredictedLabelColumnName);
        var labels = LabelNames.FromFile(nameof(Boolean), [bool.FalseString, bool.TrueString]);
        return new MahaBinaryTextClassificationTransformer(new ClassifierFitting(_host, _options).Fit(documents, validation, labels, columns, MahaBinaryTextClassificationTransformer.Format));
    }

    /// <summary>What the schema will be behind the trained transformer.</summary>
    /// <param name="inputSchema">The promise of the estimators before.</param>
    /// <returns>The input's columns with the added ones.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or will have another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        InputColumns.Scalar(inputSchema, _options.LabelColumnName, nameof(inputSchema), "Boolean", column => !column.IsKey && column.ItemType is BooleanDataViewType);
        InputColumns.Text(inputSchema, _options.TextColumnName, nameof(inputSchema));
        string[] added = [_options.ScoreColumnName, _options.ProbabilityColumnName, _options.PredictedLabelColumnName];
        DataViewType[] types = [NumberDataViewType.Single, NumberDataViewType.Single, BooleanDataViewType.Instance];
        return new SchemaShape(inputSchema.Where(column => !added.Contains(column.Name)).Concat(added.Select((name, i) =>
            ShapeColumn(name, SchemaShape.Column.VectorKind.Scalar, types[i], false, ScoreColumns.CreateShape(isNormalized: i == 1)))));
    }

    private LabeledTexts Bind(IDataView data, string parameter)
        => new(data, InputColumns.Text(data.Schema, _options.TextColumnName, parameter), InputColumns.BooleanLabel(data.Schema, _options.LabelColumnName, parameter));
}
