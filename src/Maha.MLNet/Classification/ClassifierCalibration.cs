using System.Globalization;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace Maha.MLNet.Classification;

/// <summary>
/// Fits to the validation documents what a trained classifier needs beside its models: the weights of n-grams and network or the temperature, a binary
/// classifier's threshold, and the threshold of abstention.
/// </summary>
/// <param name="fitting">The training.</param>
/// <param name="options">The options.</param>
/// <param name="validating">The validation documents; null for none.</param>
/// <param name="ngrams">The fitted n-grams; null for none.</param>
internal sealed class ClassifierCalibration(ModelFitting fitting, MahaClassifierOptions options, ITextDocuments? validating, NGramFit? ngrams)
{
    // Two weights need no more documents: this many logits are a second's work.
    private const int MaxFusedLogits = 1 << 22;

    /// <summary>Returns the manifest with what is fitted.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="result">The training of the network.</param>
    public ClassifierManifest Fit(ClassifierManifest manifest, TrainingResult result)
    {
        var judged = result.BestValidation?.Logits;
        if (validating is null || (judged is null && ngrams is null))
        {
            if (ngrams is not null)
            {
                manifest = manifest with { NGrams = NetworkUse.IsTrained(result) ? LogitFusion.Prior : LogitFusion.Prior with { Deep = 0 } };
                WarnWithoutWeight(manifest, isJudged: false);
            }
            WarnOfThreshold();
            return manifest with { AbstentionThreshold = AbstentionWithoutValidation() };
        }
        // Of a network that nothing judged nothing is known.
        var deep = judged ?? [.. Enumerable.Repeat(new float[manifest.Labels.Count], validating.Count)];
        int[] truth = [.. Enumerable.Range(0, validating.Count).Select(validating.LabelOf)];
        float[]? weights = validating.WeightsOf();
        // What has begun is ended where the time is over; only a cancellation stops it.
        var cancellation = options.CancellationBehavior == CancellationBehavior.KeepBest ? CancellationToken.None : fitting.CancellationToken;
        var logits = deep;
        if (ngrams is not null)
        {
            var heldOut = new HeldOutNGrams(ngrams, validating);
            var fused = Fuse(heldOut, deep, truth, weights, cancellation);
            manifest = manifest with { NGrams = judged is null ? fused with { Deep = 0 } : fused };
            logits = Each(truth.Length, row => heldOut.Recall(row, manifest.NGrams.Value.Combine(heldOut.Logits(row), deep[row])), cancellation);
        }
        else if (options.CalibrateProbabilities)
        {
            manifest = manifest with { Temperature = TemperatureScaling.Fit(deep, truth, weights) };
        }
        if (options is MahaBinaryTextClassificationTrainer.Options { Threshold: var kind })
        {
            double[] probabilities = [.. logits.Select(row => 1 / (1 + Math.Exp((row[0] - row[1]) / manifest.Temperature)))];
            manifest = manifest with { Threshold = ThresholdSelection.Choose(kind, probabilities, [.. truth.Select(label => label == 1)], weights) };
        }
        manifest = manifest with { AbstentionThreshold = ChooseAbstention(manifest, logits, truth, weights) };
        if (manifest.NGrams is { } fusion && ngrams is not null)
        {
            Info(FormattableString.Invariant($"Of the logits, n-grams weigh {fusion.Wide:F3} and the network {fusion.Deep:F3}."));
            WarnWithoutWeight(manifest, judged is not null);
            bool isUnseen = validating is TokenizedDataset;
            // The n-grams of the model that is returned have learned from documents that were set apart of the training data: what it says of these is more than
            // it would say of new ones.
            var returned = isUnseen || fitting.IsTimeOver() ? logits : Each(truth.Length, row =>
            {
                var text = ngrams.Model.Read(validating.TextOf(row));
                return ngrams.Model.RepeatedTexts.Adjust(fusion.Combine(ngrams.Model.NewTextLogits(text), deep[row]), text.ContentHash);
            }, cancellation);
            string ofOthers = isUnseen ? ""
                : FormattableString.Invariant($"; {Accuracy(manifest, logits, truth, weights):F4} with n-grams that have not seen these documents");
            if (isUnseen || !ReferenceEquals(returned, logits))
            {
                double accuracy = Accuracy(manifest, returned, truth, weights);
                Info(FormattableString.Invariant($"The model that is returned has the validation accuracy {accuracy:F4}{ofOthers}."));
            }
        }
        Info(string.Create(
            CultureInfo.InvariantCulture,
            $"Fitted to {validating.Count} validation documents: temperature {manifest.Temperature:F3}, threshold {manifest.Threshold:F3}."));
        return manifest;
    }

    private void WarnWithoutWeight(ClassifierManifest manifest, bool isJudged) =>
        NetworkUse.WarnWithoutWeight(fitting, options, manifest.NGrams!.Value.Deep, validating is not null, isJudged);

    private void WarnOfThreshold()
    {
        if (options is MahaBinaryTextClassificationTrainer.Options { Threshold: not BinaryThreshold.Half and var kind })
            WarnWithoutValidation($"Threshold {kind}", $"the threshold is {nameof(BinaryThreshold.Half)}");
    }

    private double? AbstentionWithoutValidation()
    {
        if (options.Abstention is not { } rule)
            return null;
        if (!rule.NeedsValidation)
            return rule.Choose(null).Threshold;
        WarnWithoutValidation($"{nameof(Abstention)} {rule}", "the classifier never abstains", " WithAbstentionThreshold returns a copy with a threshold.");
        return 0;
    }

    private void WarnWithoutValidation(string option, string consequence, string otherRemedy = "")
    {
        var (cause, remedy) = validating is null
            ? ("the split left no validation document", "Raise ValidationFraction, or give a ValidationSet.")
            : NetworkUse.EarlyEnd(fitting, options, isValidated: true);
        fitting.Channel.Warning(
            MessageSensitivity.None,
            $"{option} needs validation documents that the classifier has predicted, but {cause}: {consequence}. {remedy}{otherRemedy}");
    }

    private double? ChooseAbstention(ClassifierManifest manifest, IReadOnlyList<float[]> logits, int[] truth, float[]? weights)
    {
        if (options.Abstention is not { } rule)
            return null;
        var predictions = logits.Select(manifest.Predict).ToList();
        var curve = CoverageCurve.Create(
            [.. predictions.Select(prediction => prediction.Probability)], [.. predictions.Select((prediction, i) => prediction.Label == truth[i])], weights);
        var (threshold, point, isReached) = rule.Choose(curve);
        if (!isReached)
        {
            fitting.Channel.Warning(MessageSensitivity.None, string.Create(
                CultureInfo.InvariantCulture,
                $"The answers for the validation documents must be as accurate as {nameof(Abstention)} {rule} asks for, but at no threshold they are: the " +
                $"highest accuracy is {point!.Value.Accuracy:F4}, and its threshold is used. Lower the target, or train with more documents."));
        }
        if (point is { } chosen)
        {
            Info(string.Create(
                CultureInfo.InvariantCulture,
                $"The classifier abstains below the probability {threshold:F3}: it answers {100 * chosen.Coverage:F1}% of the validation documents, with the " +
                $"accuracy {chosen.Accuracy:F4}."));
        }
        return threshold;
    }

    private void Info(string message) => fitting.Channel.Info(MessageSensitivity.None, message);

    private static LogitFusion Fuse(HeldOutNGrams wide, IReadOnlyList<float[]> deep, int[] truth, float[]? weights, CancellationToken cancellation)
    {
        int most = Math.Max(1, MaxFusedLogits / deep[0].Length), step = (truth.Length + most - 1) / most;
        int[] rows = [.. Enumerable.Range(0, truth.Length).Where(row => row % step == 0)];
        return LogitFusion.Fit(
            Each(rows.Length, i => wide.Logits(rows[i]), cancellation), [.. rows.Select(row => deep[row])], [.. rows.Select(row => truth[row])], cancellation,
            weights is null ? null : [.. rows.Select(row => weights[row])]);
    }

    private static T[] Each<T>(int count, Func<int, T> of, CancellationToken cancellation)
    {
        var results = new T[count];
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = torch.get_num_threads(), CancellationToken = cancellation };
        Parallel.For(0, count, parallel, i => results[i] = of(i));
        return results;
    }

    private static double Accuracy(ClassifierManifest manifest, IReadOnlyList<float[]> logits, int[] labels, float[]? weights)
    {
        double right = 0, all = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            double weight = weights?[i] ?? 1;
            right += manifest.Predict(logits[i]).Label == labels[i] ? weight : 0;
            all += weight;
        }
        return right / all;
    }

    /// <summary>What the n-grams say of validation documents that they have not seen.</summary>
    private sealed class HeldOutNGrams(NGramFit fit, ITextDocuments validating)
    {
        private readonly IReadOnlyList<int>? _rows = validating is DocumentSubset subset ? subset.Rows : null;

        public double[] Logits(int row) => _rows is null ? fit.Model.NewTextLogits(Text(row)) : fit.HeldOutLogits(_rows[row]);

        public float[] Recall(int row, float[] logits) => _rows is null
            ? fit.Model.RepeatedTexts.Adjust(logits, Text(row).ContentHash)
            : fit.Model.RepeatedTexts.Adjust(logits, fit.Contents[_rows[row]], (validating.LabelOf(row), fit.Weights?[_rows[row]] ?? 1));

        private NGramText Text(int row) => fit.Model.Read(validating.TextOf(row));
    }
}
