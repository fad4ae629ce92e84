using Maha.Layers.Training;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Fitting;

/// <content>A fitting from its beginning to its end.</content>
internal sealed partial class ModelFitting
{
    /// <summary>Fits a model; <see cref="MahaEstimatorOptions.MaxTrainingTime"/> begins.</summary>
    /// <typeparam name="T">The model.</typeparam>
    /// <param name="host">The host of the estimator.</param>
    /// <param name="options">The options of the estimator.</param>
    /// <param name="fit">Fits the model.</param>
    /// <exception cref="OperationCanceledException">The fitting was canceled, and there is no model to keep.</exception>
    public static T Run<T>(IHost host, MahaEstimatorOptions options, Func<ModelFitting, T> fit)
    {
        using var fitting = new ModelFitting(host, options);
        try
        {
            return fit(fitting);
        }
        catch (OperationCanceledException canceled) when (
            options.CancellationBehavior == CancellationBehavior.KeepBest && fitting.CancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(
                $"The training was canceled before its first step, so that there is no model yet that {nameof(CancellationBehavior.KeepBest)} could keep. " +
                "Give it more time, or fewer documents.", canceled, canceled.CancellationToken);
        }
    }
}
