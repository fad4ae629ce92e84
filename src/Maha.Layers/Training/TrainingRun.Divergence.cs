using Maha.Layers.Weights;

namespace Maha.Layers.Training;

/// <content>The exceptions of a training that diverges.</content>
internal sealed partial class TrainingRun
{
    // What no later step finds: that the last step diverged. Where no epoch ended with a finite loss, there are no weights worth keeping.
    private void RequireFiniteResult()
    {
        if (_lastStep is not { } last)
            return;
        if (_best is { Report.Epoch: var epoch, Metrics: { IsFinite: false, Loss: var loss } })
            throw DivergedAtTheEnd("validation loss", loss, epoch, last);
        // Without a validation, nothing has read the weights since the last step.
        if (_best.Report is null && ModuleWeights.FirstNotFinite(_task.Module) is { } weight)
            throw DivergedAtTheEnd($"weight '{weight}'", double.NaN, last.Epoch, last);
    }

    private TrainingDivergedException DivergedAtTheEnd(string quantity, double value, int epoch, TrainingProgress last) =>
        new(quantity, value, epoch, _step, _totalSteps, last.Loss, last.LearningRate, _options, isStepDone: true);

    private TrainingDivergedException Diverged(string quantity, double value, int epoch, double loss, double learningRate) =>
        new(quantity, value, epoch, _step + 1, _totalSteps, loss, learningRate, _options, isStepDone: false);
}
