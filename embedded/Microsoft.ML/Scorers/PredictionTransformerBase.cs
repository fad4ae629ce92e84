using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public abstract class PredictionTransformerBase<TModel> : IPredictionTransformer<TModel>, IDisposable
    where TModel : class
{
    private protected readonly IHost Host;
    private bool _disposed;

    private protected PredictionTransformerBase(IHost host, TModel model)
    {
        Host = host;
        Host.CheckValue(model, nameof(model));
        Model = model;
    }

    public TModel Model { get; }

    bool ITransformer.IsRowToRowMapper => true;

    public abstract DataViewSchema GetOutputSchema(DataViewSchema inputSchema);

    public IDataView Transform(IDataView input)
    {
        Host.CheckValue(input, nameof(input));
        return new RowToRowMapperTransform(input, MakeRowMapper(input.Schema));
    }

    IRowToRowMapper ITransformer.GetRowToRowMapper(DataViewSchema inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return new RowToRowMapperTransform(new EmptyDataView(inputSchema), MakeRowMapper(inputSchema));
    }

    void ICanSaveModel.Save(ModelSaveContext ctx) => SaveModel(ctx);

    public void Dispose()
    {
        if (_disposed)
            return;
        (Model as IDisposable)?.Dispose();
        _disposed = true;
    }

    private protected abstract RowMapper MakeRowMapper(DataViewSchema schema);

    private protected abstract void SaveModel(ModelSaveContext ctx);
}

public abstract class SingleFeaturePredictionTransformerBase<TModel> : PredictionTransformerBase<TModel>, ISingleFeaturePredictionTransformer<TModel>
    where TModel : class
{
    private const string ModelDirectory = "Model";
    private const string SchemaStream = "TrainSchema";

    private protected readonly DataViewSchema TrainSchema;

    private protected SingleFeaturePredictionTransformerBase(IHost host, TModel model, DataViewSchema trainSchema, string featureColumn, string labelColumn)
        : base(host, model)
    {
        // The slot names of the features stay with the features: 10^5 names would be kept, and saved, for nothing.
        var columns = new DataViewSchema.Builder();
        columns.AddColumn(featureColumn, trainSchema[featureColumn].Type);
        if (labelColumn != null)
        {
            var annotations = new DataViewSchema.Annotations.Builder();
            annotations.Add(trainSchema[labelColumn].Annotations, kind => kind == AnnotationUtils.Kinds.KeyValues);
            columns.AddColumn(labelColumn, trainSchema[labelColumn].Type, annotations.ToAnnotations());
        }

        TrainSchema = columns.ToSchema();
        FeatureColumnName = featureColumn;
    }

    private protected SingleFeaturePredictionTransformerBase(IHost host, ModelLoadContext ctx) : base(host, LoadModel(host, ctx))
    {
        DataViewSchema schema = null;
        host.CheckDecode(ctx.TryLoadBinaryStream(SchemaStream, reader => schema = SchemaFile.Read(reader.BaseStream, host)),
            $"The model file has no stream '{SchemaStream}'. It is damaged.");
        TrainSchema = schema;
        FeatureColumnName = ctx.LoadNonEmptyString();
        host.CheckDecode(schema.GetColumnOrNull(FeatureColumnName)?.Type.IsKnownSizeVector() == true,
            $"The model's schema has no vector column '{FeatureColumnName}'. The model file is damaged.");
    }

    public string FeatureColumnName { get; }

    public DataViewType FeatureColumnType => TrainSchema[FeatureColumnName].Type;

    public sealed override DataViewSchema GetOutputSchema(DataViewSchema inputSchema)
    {
        Host.CheckValue(inputSchema, nameof(inputSchema));
        return new ColumnBindings(inputSchema, MakeRowMapper(inputSchema).OutputColumns).Schema;
    }

    // *** Binary format ***
    // model: in the folder Model; stream TrainSchema: an empty binary data file; string id: feature column
    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.SaveModel(Model, ModelDirectory);
        ctx.SaveBinaryStream(SchemaStream, writer => SchemaFile.Write(writer.BaseStream, TrainSchema));
        ctx.SaveNonEmptyString(FeatureColumnName);
    }

    private static TModel LoadModel(IHost host, ModelLoadContext ctx)
    {
        ctx.LoadModel<TModel, SignatureLoadModel>(host, out var model, ModelDirectory);
        return model;
    }
}

/// <summary>Scores the feature column; the score is computed once per row for all outputs.</summary>
internal abstract class ScoreMapper<TScore> : RowMapper
{
    private readonly Trainers.IScoringModel<TScore> _model;
    private readonly DataViewSchema.Column _feature;
    private readonly System.Runtime.CompilerServices.ConditionalWeakTable<DataViewRow, CachedScore> _scores = [];

    protected ScoreMapper(IHost host, object model, DataViewSchema inputSchema, string featureColumn, DataViewType featureType) : base(inputSchema)
    {
        _model = (Trainers.IScoringModel<TScore>)model;
        _feature = inputSchema.GetColumnOrNull(featureColumn) ?? throw host.ExceptSchemaMismatch(nameof(inputSchema), "feature", featureColumn);
        if (!_feature.Type.SameSizeAndItemType(featureType))
            throw host.ExceptSchemaMismatch(nameof(inputSchema), "feature", featureColumn, featureType.ToString(), _feature.Type.ToString());
    }

    public override IEnumerable<int> GetDependencies(int output) => [_feature.Index];

    public override Delegate CreateGetter(DataViewRow input, int output, out Action disposer)
    {
        disposer = null;
        return CreateGetter(output, _scores.GetValue(input, row => new CachedScore(row, _feature, _model)));
    }

    protected abstract Delegate CreateGetter(int output, CachedScore score);

    protected static DataViewSchema.Annotations ScoreAnnotations(DataViewSchema input, string columnKind, string valueKind,
        Action<DataViewSchema.Annotations.Builder> add = null)
    {
        uint setId = input.GetMaxAnnotationKind(out _, AnnotationUtils.Kinds.ScoreColumnSetId) + 1;
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreColumnSetId, AnnotationUtils.ScoreColumnSetIdType, setId);
        builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreColumnKind, TextDataViewType.Instance, columnKind.AsMemory());
        builder.AddPrimitiveValue(AnnotationUtils.Kinds.ScoreValueKind, TextDataViewType.Instance, valueKind.AsMemory());
        add?.Invoke(builder);
        return builder.ToAnnotations();
    }

    internal sealed class CachedScore
    {
        private readonly DataViewRow _row;
        private readonly ValueGetter<VBuffer<float>> _getter;
        private readonly Trainers.IScoringModel<TScore> _model;
        private VBuffer<float> _features;
        private TScore _score;
        private long _position = -1;

        public CachedScore(DataViewRow row, DataViewSchema.Column feature, Trainers.IScoringModel<TScore> model)
        {
            _row = row;
            _getter = row.GetGetter<VBuffer<float>>(feature);
            _model = model;
        }

        public ref TScore Current()
        {
            if (_position < 0 || _position != _row.Position)
            {
                _getter(ref _features);
                _model.Score(_features, ref _score);
                _position = _row.Position;
            }

            return ref _score;
        }
    }
}
