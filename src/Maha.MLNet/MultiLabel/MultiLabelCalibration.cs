using System.Globalization;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using Microsoft.ML.Runtime;
using TorchSharp;

namespace Maha.MLNet.MultiLabel;

// n validation documents, L labels

/// <summary>Fits to the validation documents the weights of n-grams and network, an offset for each label, and the thresholds.</summary>
/// <param name="fitting">The training.</param>
/// <param name="options">The options.</param>
/// <param name="validating">The validation documents; null for none.</param>
/// <param name="ngrams">The fitted n-grams; null for none.</param>
internal sealed class MultiLabelCalibration(
    ModelFitting fitting, MahaMultiLabelTextClassificationTrainer.Options options, ITextDocuments? validating, NGramFit? ngrams)
{
    // The n-grams' log odds are calibrated on held-out documents. The network's are not: less is expected of them.
    private static readonly (double Weight, double Strength) s_wide = (1, 10);
    private static readonly (double Weight, double Strength) s_deepWithNGrams = (0.5, 10);
    private static readonly (double Weight, double Strength) s_deep = (1, 10);

    /// <summary>Returns the manifest with what is fitted.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="result">The training of the network.</param>
    public MultiLabelManifest Fit(MultiLabelManifest manifest, TrainingResult result)
    {
        // Of a network that nothing judged nothing is known.
        var deep = result.BestValidation?.Logits;
        if (validating is null || (deep is null && ngrams is null))
        {
            if (ngrams is null)
                return manifest;
            bool isTrained = NetworkUse.IsTrained(result);
            manifest = manifest with { NGrams = isTrained ? 0.5 : 1, Network = isTrained ? 0.5 : 0 };
            NetworkUse.WarnWithoutWeight(fitting, options, manifest.Network, isValidated: false, isJudged: false);
            return manifest;
        }
        var sets = validating.LabelSetsOf()!;
        float[]? weights = validating.WeightsOf();
        // What has begun is ended where the time is over; only a cancellation stops it.
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = torch.get_num_threads(),
            CancellationToken = options.CancellationBehavior == CancellationBehavior.KeepBest ? CancellationToken.None : fitting.CancellationToken,
        };
        double[][]? wide = ngrams is null ? null : HeldOut(ngrams, parallel);
        var labels = LabelSets.FromSets(sets);
        double[] prior = labels.LogOdds(manifest.Labels.Count, weights);
        var sources = new List<float[][]>();
        if (wide is not null)
            sources.Add(Centered(wide, prior));
        if (deep is not null)
            sources.Add(Centered(deep, prior));
        (double, double)[] expected = wide is null ? [s_deep] : deep is null ? [s_wide] : [s_wide, s_deepWithNGrams];
        var fitted = LabelWeighting.Fit(sources, labels, weights, prior, expected, parallel);
        double sum = fitted.Weights.Sum();
        manifest = manifest with
        {
            NGrams = wide is null ? null : fitted.Weights[0],
            Network = deep is null ? 0 : fitted.Weights[^1],
            // The log odds that are combined later are not centered.
            Offsets = [.. fitted.Offsets.Select((offset, l) => offset - (sum * prior[l]))],
        };
        float[] none = new float[manifest.Labels.Count];
        float[][] odds = [.. Enumerable.Range(0, sets.Count).Select(i => manifest.Combine(wide?[i], deep?[i] ?? none))];
        manifest = manifest with { Thresholds = LabelThresholds.Choose(odds, sets, weights) };
        if (manifest.NGrams is { } weight)
        {
            Info(FormattableString.Invariant($"Of the log odds, n-grams weigh {weight:F3} and the network {manifest.Network:F3}."));
            NetworkUse.WarnWithoutWeight(fitting, options, manifest.Network, isValidated: true, isJudged: deep is not null);
        }
        var metrics = MultiLabelMetrics.Create(odds, [.. manifest.Thresholds], sets, weights, manifest.Labels);
        Info(string.Create(
            CultureInfo.InvariantCulture,
            $"Fitted to {validating.Count} validation documents: micro F1 {metrics.MicroF1:F4}, macro F1 {metrics.MacroF1:F4}, label-ranking average precision " +
            $"{metrics.LabelRankingAveragePrecision:F4}."));
        return manifest;
    }

    private void Info(string message) => fitting.Channel.Info(MessageSensitivity.None, message);

    // What the n-grams say of the validation documents, which they have not seen.
    private double[][] HeldOut(NGramFit fit, ParallelOptions parallel)
    {
        var rows = validating is DocumentSubset subset ? subset.Rows : null;
        double[][] odds = new double[validating!.Count][];
        Parallel.For(0, odds.Length, parallel, i =>
            odds[i] = rows is null ? fit.Model.NewTextLogits(fit.Model.Read(validating.TextOf(i))) : fit.HeldOutLogits(rows[i]));
        return odds;
    }

    private static float[][] Centered<T>(IReadOnlyList<T[]> logits, double[] prior) where T : struct, IConvertible =>
        [.. logits.Select(row => row.Select((logit, l) => (float)(logit.ToDouble(null) - prior[l])).ToArray())];
}
