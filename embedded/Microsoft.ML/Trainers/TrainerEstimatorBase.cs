using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Trainers;

public abstract class TrainerEstimatorBase<TTransformer, TModel> : ITrainerEstimator<TTransformer, TModel>
    where TTransformer : ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    public readonly SchemaShape.Column FeatureColumn;
    public readonly SchemaShape.Column LabelColumn;
    public readonly SchemaShape.Column WeightColumn;

    private protected readonly IHost Host;

    private protected TrainerEstimatorBase(IHost host, SchemaShape.Column feature, SchemaShape.Column label, SchemaShape.Column weight = default)
    {
        Contracts.CheckValue(host, nameof(host));
        Host = host;
        FeatureColumn = feature;
        LabelColumn = label;
        WeightColumn = weight;
    }

    public abstract TrainerInfo Info { get; }

    public TTransformer Fit(IDataView input) => TrainTransformer(input, null);

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        CheckInputSchema(inputSchema);
        var columns = inputSchema.ToDictionary(c => c.Name);
        foreach (var column in GetOutputColumnsCore(inputSchema))
            columns[column.Name] = column;
        return new SchemaShape(columns.Values);
    }

    private protected static SchemaShape.Column FeatureShape(string name)
        => new(name, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false);

    private protected static SchemaShape.Column KeyLabelShape(string name)
        => new(name, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true);

    private protected static SchemaShape.Column BoolLabelShape(string name)
        => new(name, SchemaShape.Column.VectorKind.Scalar, BooleanDataViewType.Instance, false);

    private protected static SchemaShape.Column WeightShape(string name)
        => name == null ? default : new(name, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.Single, false);

    private protected TTransformer TrainTransformer(IDataView input, object initialModel)
    {
        Host.CheckValue(input, nameof(input));
        CheckInputSchema(SchemaShape.Create(input.Schema));
        using var ch = Host.Start("Training");
        return MakeTransformer(TrainModelCore(ch, input, initialModel), input.Schema);
    }

    private protected abstract SchemaShape.Column[] GetOutputColumnsCore(SchemaShape inputSchema);

    private protected abstract TModel TrainModelCore(IChannel ch, IDataView data, object initialModel);

    private protected abstract TTransformer MakeTransformer(TModel model, DataViewSchema trainSchema);

    private protected SchemaShape.Column[] MulticlassOutput(SchemaShape inputSchema)
    {
        inputSchema.TryFindColumn(LabelColumn.Name, out var label);
        var annotations = label.Annotations.Where(a => a.Name == AnnotationUtils.Kinds.KeyValues).Concat(AnnotationUtils.GetTrainerOutputAnnotation());
        return
        [
            new(DefaultColumnNames.Score, SchemaShape.Column.VectorKind.Vector, NumberDataViewType.Single, false,
                new SchemaShape(AnnotationUtils.AnnotationsForMulticlassScoreColumn(label))),
            new(DefaultColumnNames.PredictedLabel, SchemaShape.Column.VectorKind.Scalar, NumberDataViewType.UInt32, true, new SchemaShape(annotations)),
        ];
    }

    private protected static SchemaShape.Column[] CalibratedBinaryOutput()
    {
        return [Scalar(DefaultColumnNames.Score, NumberDataViewType.Single, false), Scalar(DefaultColumnNames.Probability, NumberDataViewType.Single, true),
            Scalar(DefaultColumnNames.PredictedLabel, BooleanDataViewType.Instance, false)];

        static SchemaShape.Column Scalar(string name, DataViewType type, bool isNormalized)
            => new(name, SchemaShape.Column.VectorKind.Scalar, type, false, new SchemaShape(AnnotationUtils.GetTrainerOutputAnnotation(isNormalized)));
    }

    /// <summary>
    /// Reads label, features and weight into memory. A key label k becomes k - 1, a boolean 0 or 1. Rows with a missing
    /// label, or with a feature or weight that is not finite, are skipped with a warning.
    /// </summary>
    private protected TrainingExamples ReadExamples(IChannel ch, IDataView data, string noRowsMessage)
    {
        var schema = data.Schema;
        var feature = schema[FeatureColumn.Name];
        var label = schema[LabelColumn.Name];
        var columns = new List<DataViewSchema.Column> { feature, label };
        if (WeightColumn.IsValid)
            columns.Add(schema[WeightColumn.Name]);

        var examples = new TrainingExamples(feature.Type.GetVectorSize());
        long skipped = 0;
        using var pch = Host.StartProgressChannel("Reading examples");
        pch.SetHeader(new ProgressHeader("examples"), e => e.SetProgress(0, examples.NumRows));
        using var cursor = data.GetRowCursor(columns);
        var featureGetter = cursor.GetGetter<VBuffer<float>>(feature);
        var labelGetter = LabelReader.Create(cursor, label);
        var weightGetter = WeightColumn.IsValid ? cursor.GetGetter<float>(schema[WeightColumn.Name]) : null;
        VBuffer<float> features = default;
        float labelValue = 0, weight = 1;
        while (cursor.MoveNext())
        {
            Host.CheckAlive();
            labelGetter(ref labelValue);
            weightGetter?.Invoke(ref weight);
            featureGetter(ref features);
            var values = features.GetValues();
            if (float.IsNaN(labelValue) || !float.IsFinite(weight) || HasNonFinite(values))
                skipped++;
            else
                examples.Add(values, features.GetIndices(), labelValue, weight);
        }

        if (examples.NumRows == 0)
            throw ch.Except(noRowsMessage);
        if (skipped > 0)
            ch.Warning("Skipped {0} instances with missing features/label/weight during training", skipped);
        return examples;
    }

    private static bool HasNonFinite(ReadOnlySpan<float> values)
    {
        foreach (float value in values)
        {
            if (!float.IsFinite(value))
                return true;
        }

        return false;
    }

    private void CheckInputSchema(SchemaShape inputSchema)
    {
        CheckColumn(inputSchema, FeatureColumn, "feature");
        if (WeightColumn.IsValid)
            CheckColumn(inputSchema, WeightColumn, "weight");
        CheckColumn(inputSchema, LabelColumn, "label");
    }

    private void CheckColumn(SchemaShape inputSchema, SchemaShape.Column expected, string role)
    {
        if (!inputSchema.TryFindColumn(expected.Name, out var actual))
            throw Host.ExceptSchemaMismatch(nameof(inputSchema), role, expected.Name);
        if (!expected.IsCompatibleWith(actual))
            throw Host.ExceptSchemaMismatch(role == "label" ? "labelCol" : nameof(inputSchema), role, expected.Name, expected.GetTypeString(), actual.GetTypeString());
    }
}
