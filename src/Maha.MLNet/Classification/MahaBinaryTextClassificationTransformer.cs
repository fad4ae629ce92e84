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
    typeof(MahaBinaryTextClassificationTransformer), null, typeof(SignatureLoadModel), "Maha binary text classification",
    MahaBinaryTextClassificationTransformer.LoaderSignature)]

namespace Maha.MLNet.Classification;

/// <summary>Classifies long documents into two classes. <see cref="MahaBinaryTextClassificationTrainer"/> trains it.</summary>
/// <remarks>
/// Adds <c>Score</c> (Single, the log odds of true minus those of <see cref="Threshold"/>, which are 0 for one half), <c>Probability</c> (Single, of true)
/// and <c>PredictedLabel</c> (Boolean, true if the score is positive); with <see cref="AbstentionThreshold"/> also <c>Abstained</c> (Boolean). It owns native memory: dispose it after the last view and prediction engine over it.
/// </remarks>
public sealed class MahaBinaryTextClassificationTransformer : MahaTransformer
{
    internal const string LoaderSignature = "MahaBinaryText";
    internal static readonly ModelFormat Format = TextClassifier.CreateFormat("MAHATXTB", LoaderSignature);

    // The labels are False and True.
    private readonly TextClassifier _classifier;

    internal MahaBinaryTextClassificationTransformer(TextClassifier classifier) : base(classifier) => _classifier = classifier;

    private static MahaBinaryTextClassificationTransformer Create(IHostEnvironment env, ModelLoadContext ctx)
    {
        var classifier = TextClassifier.Load(env, ctx, Format);
        if (classifier.Manifest.Columns.Probability is not null)
            return new(classifier);
        classifier.Dispose();
        throw MahaModelFileException.Damaged("A binary classifier must have a probability column, but the file names none.");
    }

    /// <summary>The model.</summary>
    internal TextClassifier Classifier => _classifier;

    /// <summary>
    /// The temperature, which divides the log odds to calibrate them; 1 without it. See <see cref="MahaClassifierOptions.CalibrateProbabilities"/>.
    /// </summary>
    public double Temperature => _classifier.Manifest.Temperature;

    /// <summary>The probability of true above which true is predicted. See <see cref="MahaBinaryTextClassificationTrainer.Options.Threshold"/>.</summary>
    public double Threshold => _classifier.Manifest.Threshold;

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
    public MahaBinaryTextClassificationTransformer WithAbstentionThreshold(double? threshold) => new(_classifier.WithAbstentionThreshold(threshold));

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
    public MahaBinaryTextClassificationTransformer SwapLayers(IReadOnlyCollection<int> layers, HsaConversionOptions options) =>
        new(_classifier.SwapLayers(layers, options));

    /// <summary>Orders the layers of the encoder for <see cref="SwapLayers"/>: first the layer whose swap changes the network's probabilities least.</summary>
    /// <param name="texts">A few dozen texts like those that the model reads. The cost is about L^2 / 2 passes over them, with L layers.</param>
    /// <param name="options">The trees and the ranking.</param>
    /// <returns>The layers with standard attention. The first k of them are the layers to swap if k are swapped.</returns>
    /// <exception cref="ArgumentException">There is no text, or the options don't suit the model.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    public IReadOnlyList<int> RankLayers(IEnumerable<string> texts, HsaConversionOptions options) => _classifier.RankLayers(texts, options);

    /// <summary>Finds the spans of a text that speak for and against a label.</summary>
    /// <param name="text">Any text.</param>
    /// <param name="label">The truth value to explain; null for the predicted one.</param>
    /// <param name="options">The number and the length of the windows that the network is asked about; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels the explanation. It is checked between predictions of the network.</param>
    /// <returns>The spans, with offsets into <paramref name="text"/>. They are the same in every call, on a CPU with the same number of threads.</returns>
    /// <remarks>
    /// The linear models over n-grams are explained exactly, in milliseconds. The network is explained by leaving out one window of the text at a time, which
    /// costs a prediction each: see <see cref="ExplanationOptions.MaxWindows"/>. Of a text that is longer than the model reads, only what is read has spans.
    /// The option <see cref="MahaClassifierOptions.ExplanationColumnName"/> adds the spans to views.
    /// </remarks>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="ObjectDisposedException">The transformer was disposed.</exception>
    /// <exception cref="OperationCanceledException">The explanation was canceled.</exception>
    public TextExplanation Explain(string text, bool? label = null, ExplanationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        int? index = label is { } truth ? (truth ? 1 : 0) : null;
        return _classifier.Explain(text.AsMemory(), index, options ?? new(), cancellationToken);
    }

    private protected override RowMapping CreateMapping(DataViewSchema inputSchema) => new Mapping(_classifier, inputSchema);

    private sealed class Mapping(TextClassifier classifier, DataViewSchema input)
        : RowMapping(InputColumns.Text(input, classifier.Manifest.Columns.Text, nameof(input)), CreateColumns(classifier.Manifest, NextScoreSet(input)))
    {
        private static DataViewSchema.DetachedColumn[] CreateColumns(ClassifierManifest manifest, uint set) =>
        [
            new(manifest.Columns.Score, NumberDataViewType.Single, ScoreColumns.CreateAnnotations(set, Annotation.Binary, Annotation.Score)),
            new(manifest.Columns.Probability!, NumberDataViewType.Single, ScoreColumns.CreateAnnotations(set, Annotation.Binary, Annotation.Probability,
                builder => builder.Add(Annotation.IsNormalized, BooleanDataViewType.Instance, (ref bool value) => value = true))),
            new(manifest.Columns.PredictedLabel, BooleanDataViewType.Instance, ScoreColumns.CreateAnnotations(set, Annotation.Binary, Annotation.PredictedLabel)),
            .. AbstainedColumn.Create(manifest),
            .. ExplanationColumns.Create(manifest.Columns.Explanation),
        ];

        public override Delegate[] CreateGetters(ITextWindow window)
        {
            double temperature = classifier.Manifest.Temperature, probability = classifier.Manifest.Threshold;
            double threshold = Math.Log(probability / (1 - probability)); // 0 for one half
            var row = new WindowResults<float[]>(window, classifier.Logits);
            return
            [
                (ValueGetter<float>)((ref float value) => value = Margin()),
                (ValueGetter<float>)((ref float value) => value = (float)(1 / (1 + Math.Exp(-LogOdds())))),
                (ValueGetter<bool>)((ref bool value) => value = Margin() > 0),
                .. AbstainedColumn.CreateGetter(classifier.Manifest, row.Value),
                .. ExplanationColumns.CreateGetters(
                    classifier.Manifest.Columns.Explanation, window, text => classifier.Explain(text, null, new(), CancellationToken.None)),
            ];

            double LogOdds()
            {
                float[] logits = row.Value();
                return (logits[1] - logits[0]) / temperature;
            }

            // ML.NET's evaluators predict true if the score is positive, and do not read PredictedLabel.
            float Margin() => (float)(LogOdds() - threshold);
        }
    }
}
