using Maha.MLNet.Internal;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Internal.MLNetInternals;

namespace Maha.MLNet.Classification;

/// <summary>Tells long documents of two classes apart: what <see cref="MahaBinaryTextClassificationTrainer"/> trained.</summary>
/// <remarks>
/// Adds <c>Score</c> (Single, the log odds of true), <c>Probability</c> (Single, of true) and <c>PredictedLabel</c> (Boolean).
/// Owns native memory: dispose it when the last view and prediction engine over it are done with.
/// </remarks>
public sealed class MahaBinaryTextClassificationTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaBinaryText";
    internal static readonly ModelFormat Format = TextClassifier.Format("MAHATXTB", LoaderSignature);

    // The labels are False and True.
    private readonly TextClassifier _classifier;

    internal MahaBinaryTextClassificationTransformer(TextClassifier classifier) : base(classifier) => _classifier = classifier;

    private static MahaBinaryTextClassificationTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var classifier = TextClassifier.Load(env, ctx, Format);
        if (classifier.Manifest.Columns.Probability is not null)
            return new(classifier);
        classifier.Dispose();
        throw new InvalidDataException("A binary classifier must have a probability column, but the file names none. The file is damaged: save the model again.");
    }

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_classifier, inputSchema);

    private sealed class Mapping : RowMapping
    {
        private readonly TextClassifier _classifier;
        private readonly DataViewSchema.Column _text;

        public Mapping(TextClassifier classifier, DataViewSchema input)
        {
            _classifier = classifier;
            var columns = classifier.Manifest.Columns;
            _text = Maha.MLNet.Internal.InputColumns.Text(input, columns.Text, nameof(input));
            uint set = NextScoreSet(input);
            OutputColumns =
            [
                new(columns.Score, NumberDataViewType.Single, ScoreColumns.Annotate(set, Annotation.Binary, Annotation.Score)),
                new(columns.Probability!, NumberDataViewType.Single, ScoreColumns.Annotate(set, Annotation.Binary, Annotation.Probability,
                    builder => builder.Add(Annotation.IsNormalized, BooleanDataViewType.Instance, (ref bool value) => value = true))),
                new(columns.PredictedLabel, BooleanDataViewType.Instance, ScoreColumns.Annotate(set, Annotation.Binary, Annotation.PredictedLabel)),
            ];
        }

        public override IReadOnlyList<DataViewSchema.DetachedColumn> OutputColumns { get; }

        public override IReadOnlyList<DataViewSchema.Column> InputColumns => [_text];

        public override Delegate[] CreateGetters(DataViewRow input)
        {
            var row = new TextRow<float[]>(input, _text, text => _classifier.Logits(text.Span));
            return
            [
                (ValueGetter<float>)((ref float value) => value = LogOdds(row)),
                (ValueGetter<float>)((ref float value) => value = (float)(1 / (1 + Math.Exp(-LogOdds(row))))),
                (ValueGetter<bool>)((ref bool value) => value = LogOdds(row) > 0),
            ];
        }

        private static float LogOdds(TextRow<float[]> row)
        {
            float[] logits = row.Value();
            return logits[1] - logits[0];
        }
    }
}
