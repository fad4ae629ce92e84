using Maha.MLNet.Classification;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.MultiLabel;
using Maha.MLNet.Tests.TextEncoding;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.Misuse;

/// <summary>An estimator of the library, so that one test covers all of them.</summary>
/// <param name="Name">The name in messages.</param>
/// <param name="Options">Creates the options of the smallest useful model.</param>
/// <param name="Create">Creates the estimator.</param>
/// <param name="Data">Creates training data from texts of two topics, 0 and 1.</param>
internal sealed record EstimatorKind(
    string Name,
    Func<MahaEstimatorOptions> Options,
    Func<MLContext, MahaEstimatorOptions, IEstimator<MahaTransformer>> Create,
    Func<MLContext, IEnumerable<(int Topic, string? Text)>, IDataView> Data)
{
    /// <summary>All estimators.</summary>
    public static IReadOnlyList<EstimatorKind> All { get; } =
    [
        new(
            "multiclass", () => Toys.Small<MahaTextClassificationTrainer.Options>(),
            (context, options) => context.MulticlassClassification.Trainers.MahaTextClassification((MahaTextClassificationTrainer.Options)options),
            (context, rows) => Toys.Keyed(context, rows.Select(row => new Document { Label = Toys.Labels[row.Topic], Text = row.Text }))),
        new(
            "multiclass with n-grams", () => WithNGrams(Toys.Small<MahaTextClassificationTrainer.Options>()),
            (context, options) => context.MulticlassClassification.Trainers.MahaTextClassification((MahaTextClassificationTrainer.Options)options),
            (context, rows) => Toys.Keyed(context, rows.Select(row => new Document { Label = Toys.Labels[row.Topic], Text = row.Text }))),
        new(
            "binary", () => WithNGrams(Toys.Small<MahaBinaryTextClassificationTrainer.Options>()),
            (context, options) => context.BinaryClassification.Trainers.MahaTextClassification((MahaBinaryTextClassificationTrainer.Options)options),
            (context, rows) => context.Data.LoadFromEnumerable(rows.Select(row => new Verdict { Label = row.Topic == 1, Text = row.Text }))),
        new(
            "multi-label", () => WithNGrams(Toys.Small<MahaMultiLabelTextClassificationTrainer.Options>()),
            (context, options) => context.MulticlassClassification.Trainers.MahaMultiLabelTextClassification(
                (MahaMultiLabelTextClassificationTrainer.Options)options),
            (context, rows) => LabelToys.Keyed(context, rows.Select(row => new Tagged { Label = [Toys.Labels[row.Topic]], Text = row.Text }))),
        new(
            "encoder", () => Encoders.Small(),
            (context, options) => context.Transforms.MahaEncode((MahaTextEncodingEstimator.Options)options),
            (context, rows) => context.Data.LoadFromEnumerable(rows.Select(row => new Passage { Text = row.Text }))),
        new(
            "language model", () => LanguageToys.Small(),
            (context, options) => context.Transforms.MahaLanguageModel((MahaLanguageModelEstimator.Options)options),
            (context, rows) => context.Data.LoadFromEnumerable(rows.Select(row => new Passage { Text = row.Text }))),
    ];

    /// <summary>Texts that every estimator learns from.</summary>
    public static IReadOnlyList<(int Topic, string? Text)> Rows { get; } =
        [.. Enumerable.Range(0, 12).Select(i => (i % 2, (string?)Toys.Text(new Random(i), i % 2)))];

    public bool IsClassifier => Options() is MahaSupervisedOptions;

    /// <summary>The columns that the estimator reads, by the options that name them.</summary>
    public IReadOnlyDictionary<string, string> ReadColumns => IsClassifier
        ? new Dictionary<string, string> { ["TextColumnName"] = "Text", ["LabelColumnName"] = "Label" }
        : new Dictionary<string, string> { ["InputColumnName"] = "Text" };

    /// <summary>Creates the estimator.</summary>
    public IEstimator<MahaTransformer> Estimator(MLContext context, Action<MahaEstimatorOptions>? change = null)
    {
        var options = Options();
        change?.Invoke(options);
        return Create(context, options);
    }

    /// <summary>Trains on good data, or on texts.</summary>
    public MahaTransformer Fit(MLContext context, Action<MahaEstimatorOptions>? change = null, IEnumerable<(int Topic, string? Text)>? rows = null) =>
        Estimator(context, change).Fit(Data(context, rows ?? Rows));

    /// <summary>Reads the numbers that a model adds to texts.</summary>
    public float[] Numbers(MLContext context, ITransformer model, IEnumerable<(int Topic, string? Text)> rows)
    {
        var view = model.Transform(Data(context, rows));
        var added = view.Schema.Where(column => !column.IsHidden && column.Name is "Score" or "Features" or "LogLikelihood").Single();
        return added.Type is VectorDataViewType
            ? [.. view.GetColumn<float[]>(added.Name).SelectMany(values => values)]
            : [.. view.GetColumn<float>(added.Name)];
    }

    private static MahaSupervisedOptions WithNGrams(MahaSupervisedOptions options)
    {
        options.NGrams = true;
        return options;
    }
}
