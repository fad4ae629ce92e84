using Maha.Layers.Models;
using Maha.Layers.Training;

namespace Maha.MLNet.Fitting;

/// <summary>The messages of a training.</summary>
internal static class TrainingMessages
{
    /// <summary>States the metrics of an epoch.</summary>
    public static string Epoch(TrainingProgress now, ValidationMetrics metrics) =>
        $"Epoch {now.Epoch} of {now.NumberOfEpochs}: training loss {now.Loss:F4}, validation loss {metrics.Loss:F4}{Optional("accuracy", metrics.Accuracy)}" +
        $"{Optional("macro F1", metrics.MacroF1)}, {now.TokensPerSecond:F0} tokens/s, {now.Elapsed:hh\\:mm\\:ss} elapsed, {now.TimeLeft:hh\\:mm\\:ss} left.";

    /// <summary>States why a training starts again, and how.</summary>
    public static string Restart(TrainingRestart restart)
    {
        string loss = restart.ValidationLoss is double value ? $"validation loss {value:F4}" : $"training loss {restart.TrainingLoss:F4}";
        string prior = restart.PriorLoss is double ofPrior ? $", the shares of the classes have {ofPrior:F4}" : "";
        string weights = restart.FromEpoch is int epoch ? $"weights of epoch {epoch}" : "first weights";
        return $"The training has diverged: epoch {restart.Epoch} has the {loss}{prior}. " +
            $"It starts again from the {weights}, at the learning rate {restart.LearningRate:G3}.";
    }

    /// <summary>Warns of a network that predicts no better than the prior.</summary>
    /// <param name="loss">The validation loss of the network.</param>
    /// <param name="priorLoss">The validation loss of the prior.</param>
    public static string Useless(double loss, double priorLoss) =>
        $"The network must predict better than the shares of the classes, but has the validation loss {loss:F4} where these have {priorLoss:F4}: it has learned " +
        "nothing of use. Give it more documents, more epochs or pretrained weights.";

    /// <summary>Describes the diagnostics of a layer.</summary>
    public static string Layer(LayerDiagnostics layer)
    {
        var parts = new List<string>();
        if (layer.MeanScaleWeights is { } weights)
            parts.Add($"scale weights {string.Join(" ", weights.Select(weight => $"{weight:F3}"))}, {layer.Sparsity:P0} of them 0, solver residual {layer.MaxResidual:G2}{(layer.Converged ? "" : " (not converged)")}");
        if (layer.AttentionEntropy is { } entropy)
            parts.Add($"attention entropy {string.Join(" ", entropy.Select(scale => $"{scale:F2}"))} nats");
        return string.Join(", ", parts);
    }

    private static string Optional(string name, double? metric) => metric is double value ? $", {name} {value:F4}" : "";
}
