using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Classification;

/// <summary>Whether a classifier with n-grams has use for its network, and what is said where it has none.</summary>
internal static class NetworkUse
{
    /// <summary>Whether the network has learned: it had a complete epoch since it last began with its first weights.</summary>
    public static bool IsTrained(TrainingResult result)
    {
        int start = result.Restarts.LastOrDefault()?.Epoch ?? 0;
        return result.Epochs.Any(epoch => epoch.Epoch > start);
    }

    /// <summary>Says why the training of the network ended too early, and what to do.</summary>
    /// <param name="fitting">The training.</param>
    /// <param name="options">The options.</param>
    /// <param name="isValidated">Whether there are validation documents.</param>
    public static (string Cause, string Remedy) EarlyEnd(ModelFitting fitting, MahaSupervisedOptions options, bool isValidated)
    {
        string missed = isValidated ? "the network was validated once" : "the network had a complete epoch";
        return fitting.CancellationToken.IsCancellationRequested
            ? ($"the training was canceled before {missed}", "Cancel it later.")
            : ($"MaxTrainingTime ({options.MaxTrainingTime}) was over before {missed}", "Give it more time, or fewer documents.");
    }

    /// <summary>Warns of a network without weight beside n-grams.</summary>
    /// <param name="fitting">The training.</param>
    /// <param name="options">The options.</param>
    /// <param name="weight">The weight of the network.</param>
    /// <param name="isValidated">Whether there are validation documents.</param>
    /// <param name="isJudged">Whether the network has predicted them.</param>
    public static void WarnWithoutWeight(ModelFitting fitting, MahaSupervisedOptions options, double weight, bool isValidated, bool isJudged)
    {
        if (weight > 0)
            return;
        var (cause, remedy) = isJudged
            ? ("the validation documents are predicted better without it", "Give it more documents, more epochs, another Seed or pretrained weights.")
            : EarlyEnd(fitting, options, isValidated);
        fitting.Channel.Warning(MessageSensitivity.None, $"The model is its n-grams alone: the network has the weight 0, since {cause}. {remedy}");
    }
}
