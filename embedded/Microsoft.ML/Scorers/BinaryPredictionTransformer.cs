using Microsoft.ML;
using Microsoft.ML.Calibrators;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>>),
    typeof(BinaryPredictionTransformer), null, typeof(SignatureLoadModel), "", BinaryPredictionTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

internal static class BinaryPredictionTransformer
{
    public const string LoaderSignature = "BinaryPredXfer";

    public static readonly VersionInfo Version = new("BIN PRED", 0x00010001, 0x00010001, 0x00010001, ModelFile.DataAssembly, LoaderSignature);

    internal static BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>> Create(
        IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        return new BinaryPredictionTransformer<CalibratedModelParametersBase<LinearBinaryModelParameters, PlattCalibrator>>(env, ctx);
    }
}

public sealed class BinaryPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel>
    where TModel : class
{
    internal BinaryPredictionTransformer(IHostEnvironment env, TModel model, DataViewSchema inputSchema, string featureColumn)
        : base(env.Register(nameof(BinaryPredictionTransformer)), model, inputSchema, featureColumn, null)
    {
    }

    internal BinaryPredictionTransformer(IHostEnvironment env, ModelLoadContext ctx)
        : base(env.Register(nameof(BinaryPredictionTransformer)), ctx)
    {
        float threshold = ctx.Reader.ReadSingle();
        string thresholdColumn = ctx.LoadString();
        Host.CheckDecode(threshold == 0 && thresholdColumn == DefaultColumnNames.Score,
            $"Only the threshold 0 of the column Score is supported, but the model has {threshold} of '{thresholdColumn}'. Load it with ML.NET.");
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(BinaryPredictionTransformer.Version);
        base.SaveModel(ctx);

        // float: threshold; string id: its column
        ctx.Writer.Write(0f);
        ctx.SaveString(DefaultColumnNames.Score);
    }

    private sealed class Mapper : ScoreMapper<float>
    {
        private const string Kind = AnnotationUtils.Const.ScoreColumnKind.BinaryClassification;

        private readonly ICalibrator _calibrator;

        public Mapper(BinaryPredictionTransformer<TModel> parent, DataViewSchema schema)
            : base(parent.Host, parent.Model, schema, parent.FeatureColumnName, parent.FeatureColumnType)
        {
            _calibrator = ((CalibratedModelParametersBase)(object)parent.Model).Calibrator;
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns() =>
        [
            new(DefaultColumnNames.PredictedLabel, BooleanDataViewType.Instance,
                ScoreAnnotations(InputSchema, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel)),
            new(DefaultColumnNames.Score, NumberDataViewType.Single, ScoreAnnotations(InputSchema, Kind, AnnotationUtils.Const.ScoreValueKind.Score)),
            new(DefaultColumnNames.Probability, NumberDataViewType.Single,
                ScoreAnnotations(InputSchema, Kind, AnnotationUtils.Const.ScoreValueKind.Probability,
                    b => b.AddPrimitiveValue(AnnotationUtils.Kinds.IsNormalized, BooleanDataViewType.Instance, true))),
        ];

        protected override Delegate CreateGetter(int output, CachedScore score) => output switch
        {
            0 => (ValueGetter<bool>)((ref bool dst) => dst = score.Current() > 0),
            1 => (ValueGetter<float>)((ref float dst) => dst = score.Current()),
            _ => (ValueGetter<float>)((ref float dst) => dst = _calibrator.PredictProbability(score.Current())),
        };
    }
}
