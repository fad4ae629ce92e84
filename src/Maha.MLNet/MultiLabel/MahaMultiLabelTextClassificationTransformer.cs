using Maha.Layers.Swap;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.MultiLabel;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

[assembly: LoadableClass(
    typeof(MahaMultiLabelTextClassificationTransformer), null, typeof(SignatureLoadModel), "Maha multi-label text classification",
    MahaMultiLabelTextClassificationTransformer.LoaderSignature)]

namespace Maha.MLNet.MultiLabel;

// L labels

/// <summary>
/// Classifies long documents that may have several labels each, or none. <see cref="MahaMultiLabelTextClassificationTrainer"/> trains it.
/// </summary>
/// <remarks>
/// Adds <c>Score</c> (<c>Vector&lt;Single&gt;</c> of size L, the log odds of each label minus those of its threshold), <c>Probability</c>
/// (<c>Vector&lt;Single&gt;</c> of size L, calibrated), <c>PredictedLabels</c> (a variable vector of keys, the labels whose score is positive, the most probable
/// first) and, if the trainer was asked for it, <c>TopLabels</c> (a vector of keys, the most probable labels). It owns native memory: dispose it after the last
/// view and prediction engine over it.
/// </remarks>
public sealed class MahaMultiLabelTextClassificationTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaMultiLabelText";

    // ML.NET has no kind for it.
    private const string ScoreColumnKind = "MultiLabelClassification";

    internal static readonly ModelFormat FileFormat = new("multi-label classifier", "MultiLabelClassifier.json", "MAHATXTL", LoaderSignature);

    private readonly MultiLabelClassifier _classifier;

    internal MahaMultiLabelTextClassificationTransformer(MultiLabelClassifier classifier) : base(classifier) => _classifier = classifier;

    private static MahaMultiLabelTextClassificationTransformer Create(IHostEnvironment env, ModelLoadContext ctx) =>
        new(MultiLabelClassifier.Load(env, ctx));

    /// <summary>The labels in the order of the scores, as text.</summary>
    public IReadOnlyList<string> Labels => _classifier.Labels.Names;

    /// <summary>The probabilities above which the labels are predicted, in the order of the scores.</summary>
    public IReadOnlyList<double> Thresholds => _classifier.Manifest.Thresholds;

    /// <inheritdoc cref="MahaTextClassificationTransformer.SwapLayers(IReadOnlyCollection{int}, HsaConversionOptions)"/>
    public MahaMultiLabelTextClassificationTransformer SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(_classifier.SwapLayers(layers, options));

    /// <inheritdoc cref="MahaTextClassificationTransformer.RankLayers(IEnumerable{string}, HsaConversionOptions)"/>
    public IReadOnlyList<int> RankLayers(IEnumerable<string> texts, HsaConversionOptions options) => _classifier.RankLayers(texts, options);

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_classifier, inputSchema);

    private sealed class Mapping(MultiLabelClassifier classifier, DataViewSchema input)
        : RowMapping(InputColumns.Text(input, classifier.Manifest.Columns.Text, nameof(input)), CreateColumns(classifier, NextScoreSet(input)))
    {
        private static DataViewSchema.DetachedColumn[] CreateColumns(MultiLabelClassifier classifier, uint set)
        {
            var manifest = classifier.Manifest;
            var labels = classifier.Labels;
            var scores = new VectorDataViewType(NumberDataViewType.Single, labels.Count);
            var keys = new KeyDataViewType(typeof(uint), labels.Count);
            return
            [
                new(manifest.Columns.Score, scores, Annotations(Annotation.Score, AddNames)),
                new(manifest.Columns.Probability, scores, Annotations(Annotation.Probability, builder =>
                {
                    AddNames(builder);
                    builder.Add(Annotation.IsNormalized, BooleanDataViewType.Instance, (ref bool value) => value = true);
                })),
                new(manifest.Columns.PredictedLabels, new VectorDataViewType(keys), Annotations(Annotation.PredictedLabel, AddValues)),
                .. manifest.NumberOfTopLabels == 0 ? Array.Empty<DataViewSchema.DetachedColumn>()
                    : [new(manifest.Columns.TopLabels, new VectorDataViewType(keys, manifest.NumberOfTopLabels), Annotations(Annotation.PredictedLabel, AddValues))],
            ];

            DataViewSchema.Annotations Annotations(string value, Action<DataViewSchema.Annotations.Builder> add) =>
                ScoreColumns.CreateAnnotations(set, ScoreColumnKind, value, add);

            void AddNames(DataViewSchema.Annotations.Builder builder)
            {
                if (labels.ItemType is TextDataViewType)
                    labels.AddTo(builder, Annotation.SlotNames);
                labels.AddTo(builder, Annotation.TrainingLabelValues);
            }

            void AddValues(DataViewSchema.Annotations.Builder builder) => labels.AddTo(builder, Annotation.KeyValues);
        }

        public override Delegate[] CreateGetters(ITextWindow window)
        {
            var manifest = classifier.Manifest;
            double[] thresholds = [.. manifest.Thresholds.Select(probability => Math.Log(probability / (1 - probability)))];
            var row = new WindowResults<float[]>(window, classifier.Logits);
            return
            [
                (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Write(ref value, (odds, l) => odds - thresholds[l])),
                (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) => Write(ref value, (odds, _) => 1 / (1 + Math.Exp(-odds)))),
                (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> value) =>
                {
                    float[] odds = row.Value();
                    // As a Single, as the score is, so that a label is predicted where its score is positive.
                    WriteKeys(ref value, [.. Ranked(odds).Where(l => (float)(odds[l] - thresholds[l]) > 0)]);
                }),
                .. manifest.NumberOfTopLabels == 0 ? Array.Empty<Delegate>()
                    : [(ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> value) => WriteKeys(ref value, [.. Ranked(row.Value()).Take(manifest.NumberOfTopLabels)]))],
            ];

            void Write(ref VBuffer<float> value, Func<float, int, double> compute)
            {
                float[] odds = row.Value();
                var editor = VBufferEditor.Create(ref value, odds.Length);
                for (int l = 0; l < odds.Length; l++)
                    editor.Values[l] = (float)compute(odds[l], l);
                value = editor.Commit();
            }
        }

        // The labels, the most probable first.
        private static IEnumerable<int> Ranked(float[] odds) => Enumerable.Range(0, odds.Length).OrderByDescending(l => odds[l]);

        private static void WriteKeys(ref VBuffer<uint> value, int[] labels)
        {
            var editor = VBufferEditor.Create(ref value, labels.Length);
            for (int i = 0; i < labels.Length; i++)
                editor.Values[i] = (uint)labels[i] + 1;
            value = editor.Commit();
        }
    }
}
