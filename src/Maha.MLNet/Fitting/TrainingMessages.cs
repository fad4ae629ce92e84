using System.Globalization;
using Maha.Layers.Models;
using Maha.Layers.Training;

namespace Maha.MLNet.Fitting;

/// <summary>The messages of a training.</summary>
internal static class TrainingMessages
{
    /// <summary>States the metrics of an epoch.</summary>
    public static string Epoch(TrainingProgress now, ValidationMetrics metrics) => string.Create(
        CultureInfo.InvariantCulture,
        $"Epoch {now.Epoch} of {now.NumberOfEpochs}: training loss {now.Loss:F4}, validation loss {metrics.Loss:F4}{Optional("accuracy", metrics.Accuracy)}" +
        $"{Optional("macro F1", metrics.MacroF1)}, {now.TokensPerSecond:F0} tokens/s, {Duration(now.Elapsed)} elapsed, {Duration(now.TimeLeft)} left.");

    /// <summary>States why a training starts again, and how.</summary>
    public static string Restart(TrainingRestart restart)
    {
        string epoch = restart.ValidationLoss is double value
            ? FormattableString.Invariant($"validation loss {value:F4}")
            : FormattableString.Invariant($"training loss {restart.TrainingLoss:F4}");
        string prior = restart.PriorLoss is double ofPrior ? FormattableString.Invariant($", the shares of the classes have {ofPrior:F4}") : "";
        string weights = restart.FromEpoch is int best ? $"weights of epoch {best}" : "first weights";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"The training has diverged: epoch {restart.Epoch} has the {epoch}{prior}. It starts again from the {weights}, at the learning rate " +
            $"{restart.LearningRate:G3}.");
    }

    /// <summary>Warns of a network that predicts no better than the prior.</summary>
    /// <param name="loss">The validation loss of the network.</param>
    /// <param name="priorLoss">The validation loss of the prior.</param>
    public static string Useless(double loss, double priorLoss) => string.Create(
        CultureInfo.InvariantCulture,
        $"The network must predict better than the shares of the classes, but has the validation loss {loss:F4} where these have {priorLoss:F4}: it has learned " +
        $"nothing of use. Give it more documents, more epochs, another Seed or pretrained weights.");

    /// <summary>Describes the diagnostics of a layer.</summary>
    public static string Layer(LayerDiagnostics layer)
    {
        var parts = new List<string>();
        if (layer.MeanScaleWeights is { } weights)
        {
            string solver = layer.Converged ? "" : " (not converged)";
            parts.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"scale weights {Join(weights, "F3")}, {100 * layer.Sparsity:F0}% of them 0, solver residual {layer.MaxResidual:G2}{solver}"));
        }
        if (layer.AttentionEntropy is { } entropy)
            parts.Add($"attention entropy {Join(entropy, "F2")} nats");
        return string.Join(", ", parts);
    }

    // Scales that no document has have no number.
    private static string Join(IEnumerable<double> numbers, string format) =>
        string.Join(" ", numbers.Select(number => double.IsNaN(number) ? "-" : number.ToString(format, CultureInfo.InvariantCulture)));

    // With days where there are some.
    private static string Duration(TimeSpan time) => time.ToString(time.Days > 0 ? @"d\.hh\:mm\:ss" : @"hh\:mm\:ss", CultureInfo.InvariantCulture);

    private static string Optional(string name, double? metric) => metric is double value ? FormattableString.Invariant($", {name} {value:F4}") : "";
}
