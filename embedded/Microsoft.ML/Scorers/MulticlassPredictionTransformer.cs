using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using Microsoft.ML.Trainers;

[assembly: LoadableClass(typeof(MulticlassPredictionTransformer<MaximumEntropyModelParameters>), typeof(MulticlassPredictionTransformer), null,
    typeof(SignatureLoadModel), "", MulticlassPredictionTransformer.LoaderSignature)]

namespace Microsoft.ML.Data;

internal static class MulticlassPredictionTransformer
{
    public const string LoaderSignature = "MulticlassPredXfer";

    public static readonly VersionInfo Version = new("MC  PRED", 0x00010002, 0x00010001, 0x00010001, ModelFile.DataAssembly, LoaderSignature);

    internal static MulticlassPredictionTransformer<MaximumEntropyModelParameters> Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        ctx.CheckAtModel(Version);
        return new MulticlassPredictionTransformer<MaximumEntropyModelParameters>(env, ctx);
    }
}

public sealed class MulticlassPredictionTransformer<TModel> : SingleFeaturePredictionTransformerBase<TModel>
    where TModel : class
{
    private readonly string _labelColumn;

    internal MulticlassPredictionTransformer(IHostEnvironment env, TModel model, DataViewSchema inputSchema, string featureColumn, string labelColumn)
        : base(env.Register(nameof(MulticlassPredictionTransformer)), model, inputSchema, featureColumn, labelColumn)
    {
        _labelColumn = labelColumn;
    }

    internal MulticlassPredictionTransformer(IHostEnvironment env, ModelLoadContext ctx)
        : base(env.Register(nameof(MulticlassPredictionTransformer)), ctx)
    {
        _labelColumn = ctx.LoadNonEmptyString();
        Host.CheckDecode(TrainSchema.GetColumnOrNull(_labelColumn)?.Type is KeyDataViewType, $"The model's schema has no key column '{_labelColumn}'. The model file is damaged.");
        string score = ctx.LoadStringOrNull(), predicted = ctx.LoadStringOrNull();
        Host.CheckDecode(score == DefaultColumnNames.Score && predicted == DefaultColumnNames.PredictedLabel,
            $"Only the output columns Score and PredictedLabel are supported, but the model has '{score}' and '{predicted}'. Load it with ML.NET.");
    }

    private protected override RowMapper MakeRowMapper(DataViewSchema schema) => new Mapper(this, schema);

    private protected override void SaveModel(ModelSaveContext ctx)
    {
        ctx.CheckAtModel();
        ctx.SetVersionInfo(MulticlassPredictionTransformer.Version);
        base.SaveModel(ctx);

        // string ids: label column, score column, predicted label column
        ctx.SaveNonEmptyString(_labelColumn);
        ctx.SaveString(DefaultColumnNames.Score);
        ctx.SaveString(DefaultColumnNames.PredictedLabel);
    }

    private sealed class Mapper : ScoreMapper<VBuffer<float>>
    {
        private const string Kind = AnnotationUtils.Const.ScoreColumnKind.MulticlassClassification;

        private readonly MulticlassPredictionTransformer<TModel> _parent;

        public Mapper(MulticlassPredictionTransformer<TModel> parent, DataViewSchema schema)
            : base(parent.Host, parent.Model, schema, parent.FeatureColumnName, parent.FeatureColumnType)
        {
            _parent = parent;
        }

        protected override DataViewSchema.DetachedColumn[] GetOutputColumns()
        {
            var label = _parent.TrainSchema[_parent._labelColumn];
            int classes = label.Type.GetKeyCountAsInt32();
            var values = label.Annotations.Schema.GetColumnOrNull(AnnotationUtils.Kinds.KeyValues);
            if (values?.Type.GetVectorSize() != classes)
                values = null;
            var names = values?.Type.GetItemType() is TextDataViewType ? values : null;
            return
            [
                new(DefaultColumnNames.PredictedLabel, new KeyDataViewType(typeof(uint), classes),
                    ScoreAnnotations(InputSchema, Kind, AnnotationUtils.Const.ScoreValueKind.PredictedLabel, b => Add(b, AnnotationUtils.Kinds.KeyValues, values))),
                new(DefaultColumnNames.Score, new VectorDataViewType(NumberDataViewType.Single, classes),
                    ScoreAnnotations(InputSchema, Kind, AnnotationUtils.Const.ScoreValueKind.Score, b =>
                    {
                        Add(b, AnnotationUtils.Kinds.SlotNames, names);
                        Add(b, AnnotationUtils.Kinds.TrainingLabelValues, values);
                    })),
            ];

            void Add(DataViewSchema.Annotations.Builder builder, string kind, DataViewSchema.Column? source)
            {
                if (source is { } column)
                    builder.Add(kind, column.Type, label.Annotations.GetGetterInternal(column.Index));
            }
        }

        protected override Delegate CreateGetter(int output, CachedScore score)
        {
            if (output == 1)
                return (ValueGetter<VBuffer<float>>)((ref VBuffer<float> dst) => score.Current().CopyTo(ref dst));
            return (ValueGetter<uint>)((ref uint dst) => dst = ArgMax(score.Current().GetValues()));
        }

        // Missing (0) when every score is NaN; the first of equal scores.
        private static uint ArgMax(ReadOnlySpan<float> scores)
        {
            int best = -1;
            for (int c = 0; c < scores.Length; c++)
            {
                if (!float.IsNaN(scores[c]) && (best < 0 || scores[c] > scores[best]))
                    best = c;
            }

            return (uint)(best + 1);
        }
    }
}
