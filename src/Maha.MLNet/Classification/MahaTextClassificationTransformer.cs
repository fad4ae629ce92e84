using Maha.Layers.Swap;
using Maha.MLNet.Classification;
using Maha.MLNet.Explanation;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Rows;
using Maha.MLNet.Schema;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using static Maha.MLNet.Bridge.MLNetInternals;

[assembly: LoadableClass(
    typeof(MahaTextClassificationTransformer), null, typeof(SignatureLoadModel), "Maha text classification", MahaTextClassificationTransformer.LoaderSignature)]

namespace Maha.MLNet.Classification;

// C classes

/// <summary>Classifies long documents into two or more classes. <see cref="MahaTextClassificationTrainer"/> trains it.</summary>
/// <remarks>
/// Adds <c>Score</c>, a <c>Vector&lt;Single&gt;</c> of size C with the probabilities of the classes, and <c>PredictedLabel</c>, the key of the class with the
/// highest one; with <see cref="AbstentionThreshold"/> also <c>Abstained</c> (Boolean). It owns native memory: dispose it after the last view and prediction engine over it.
/// </remarks>
public sealed class MahaTextClassificationTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaTextClassification";
    internal static readonly ModelFormat Format = TextClassifier.CreateFormat("MAHATXTC", LoaderSignature);

    private readonly TextClassifier _classifier;

    internal MahaTextClassificationTransformer(TextClassifier classifier) : base(classifier) => _classifier = classifier;

    private static MahaTextClassificationTransformer Create(IHostEnvironment env, ModelLoadContext ctx) => new(TextClassifier.Load(env, ctx, Format));

    /// <summary>The model.</summary>
    internal TextClassifier Classifier => _classifier;

    /// <summary>The labels in the order of the scores, as text.</summary>
    public IReadOnlyList<string> Labels => _classifier.Labels.Names;

    /// <summary>
    /// The temperature, which divides the logits to calibrate the probabilities; 1 without it. See
    /// <see cref="MahaClassifierOptions.CalibrateProbabilities"/>.
    /// </summary>
    public double Temperature => _classifier.Manifest.Temperature;

    /// <summary>
    /// The probability of the predicted label below which the classifier abstains; null if it always answers. See <see cref="MahaClassifierOptions.Abstention"/>.
    /// </summary>
    public double? AbstentionThreshold => _classifier.Manifest.AbstentionThreshold;

    /// <summary>Returns a copy of the model with another threshold of abstention, for instance one that a <see cref="CoverageCurve"/> shows.</summary>
    /// <param name="threshold">
    /// The probability of the predicted label below which the copy abstains, above 0 and at most 1; null to always answer. With a threshold, the copy adds the
    /// column "Abstained", or that of the options of the training.
    /// </param>
    /// <returns>A new transformer on the same device. This one does not change.</returns>
    /// <exception cref="ArgumentException">The threshold is not in (0, 1], or another output column has the name of the added one.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public MahaTextClassificationTransformer WithAbstentionThreshold(double? threshold) => new(_classifier.WithAbstentionThreshold(threshold));

    /// <summary>Returns a copy of the model in which some layers of the encoder compute hierarchical attention (HSA) from the same weights.</summary>
    /// <param name="layers">The layers to swap, 0 the first. They must have standard attention, as those of pretrained encoders have.</param>
    /// <param name="options">
    /// The trees. With <see cref="HsaConversionOptions.MaxSequenceLength"/> the copy reads windows of that length instead of its own.
    /// </param>
    /// <returns>A new transformer on the same device. This one does not change.</returns>
    /// <remarks>
    /// Nothing is trained. The more layers are swapped, the more accuracy is lost; <see cref="RankLayers"/> orders them. To train the copy further, save it and
    /// pass its path as <c>PretrainedModel</c>.
    /// </remarks>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the model.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public MahaTextClassificationTransformer SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(_classifier.SwapLayers(layers, options));

    /// <summary>Orders the layers of the encoder for <see cref="SwapLayers"/>: first the layer whose swap changes the network's class probabilities least.</summary>
    /// <param name="texts">A few dozen texts like those that the model reads. The cost is about L^2 / 2 passes over them, with L layers.</param>
    /// <param name="options">The trees and the ranking.</param>
    /// <returns>The layers with standard attention. The first k of them are the layers to swap if k are swapped.</returns>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the model.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IReadOnlyList<int> RankLayers(IEnumerable<string> texts, HsaConversionOptions options) => _classifier.RankLayers(texts, options);

    /// <summary>Finds the spans of a text that speak for and against a label.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="label">One of <see cref="Labels"/>; null for the predicted one.</param>
    /// <param name="options">The number and the length of the windows that the network is asked about; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the explanation. It is checked between predictions of the network.</param>
    /// <returns>The spans, with offsets into <paramref name="text"/>. They are the same in every call, on a CPU with the same number of threads.</returns>
    /// <remarks>
    /// The linear models over n-grams are explained exactly, in milliseconds. The network is explained by leaving out one window of the text at a time, which
    /// costs a prediction each: see <see cref="ExplanationOptions.MaxWindows"/>. Of a text that is longer than the model reads, only what is read has spans.
    /// The option <see cref="MahaClassifierOptions.ExplanationColumnName"/> adds the spans to views.
    /// </remarks>
    /// <exception cref="ArgumentException">The model has no such label, or an option is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    /// <exception cref="OperationCanceledException">The explanation was canceled.</exception>
    public TextExplanation Explain(string text, string? label = null, ExplanationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        int? index = label is null ? null : IndexOfLabel(label);
        return _classifier.Explain(text.AsMemory(), index, options ?? new(), cancellationToken);
    }

    private int IndexOfLabel(string label)
    {
        const int shown = 20;
        for (int i = 0; i < Labels.Count; i++)
        {
            if (Labels[i] == label)
                return i;
        }
        string more = Labels.Count > shown ? $", ... ({Labels.Count})" : "";
        throw new ArgumentException(
            $"The label must be one of {string.Join(", ", Labels.Take(shown))}{more}, but is '{label}'. Leave it out for the predicted one.", nameof(label));
    }

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_classifier, inputSchema);

    private sealed class Mapping(TextClassifier classifier, DataViewSchema input)
        : RowMapping(InputColumns.Text(input, classifier.Manifest.Columns.Text, nameof(input)), CreateColumns(classifier, NextScoreSet(input)))
    {
        private static DataViewSchema.DetachedColumn[] CreateColumns(TextClassifier classifier, uint set)
        {
            var columns = classifier.Manifest.Columns;
            var labels = classifier.Labels;
            var scoreAnnotations = ScoreColumns.CreateAnnotations(set, Annotation.Multiclass, Annotation.Score, builder =>
            {
                if (labels.ItemType is TextDataViewType)
                    labels.AddTo(builder, Annotation.SlotNames);
                labels.AddTo(builder, Annotation.TrainingLabelValues);
            });
            var labelAnnotations = ScoreColumns.CreateAnnotations(set, Annotation.Multiclass, Annotation.PredictedLabel,
                builder => labels.AddTo(builder, Annotation.KeyValues));
            return
            [
                new(columns.Score, new VectorDataViewType(NumberDataViewType.Single, labels.Count), scoreAnnotations),
                new(columns.PredictedLabel, new KeyDataViewType(typeof(uint), labels.Count), labelAnnotations),
                .. AbstainedColumn.Create(classifier.Manifest),
                .. ExplanationColumns.Create(columns.Explanation),
            ];
        }

        public override Delegate[] CreateGetters(ITextWindow window)
        {
            double temperature = classifier.Manifest.Temperature;
            var row = new WindowResults<float[]>(window, classifier.Logits);
            return
            [
                (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
                {
                    var editor = VBufferEditor.Create(ref value, classifier.Labels.Count);
                    Softmax(row.Value(), temperature, editor.Values);
                    value = editor.Commit();
                }),
                (ValueGetter<uint>)((ref uint value) => value = (uint)IndexOfMax(row.Value()) + 1),
                .. AbstainedColumn.CreateGetter(classifier.Manifest, row.Value),
                .. ExplanationColumns.CreateGetters(
                    classifier.Manifest.Columns.Explanation, window, text => classifier.Explain(text, null, new(), CancellationToken.None)),
            ];
        }

        private static void Softmax(ReadOnlySpan<float> logits, double temperature, Span<float> probabilities)
        {
            float max = logits[IndexOfMax(logits)];
            double sum = 0;
            foreach (float logit in logits)
                sum += Math.Exp((logit - max) / temperature);
            for (int i = 0; i < logits.Length; i++)
                probabilities[i] = (float)(Math.Exp((logits[i] - max) / temperature) / sum);
        }

        private static int IndexOfMax(ReadOnlySpan<float> logits)
        {
            int best = 0;
            for (int i = 1; i < logits.Length; i++)
            {
                if (logits[i] > logits[best])
                    best = i;
            }

            return best;
        }
    }
}
