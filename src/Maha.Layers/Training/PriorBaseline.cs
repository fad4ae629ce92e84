namespace Maha.Layers.Training;

/// <summary>The metrics of the prior: the best prediction that is the same for every document.</summary>
/// <param name="TrainingLoss">The training loss of the prior, with class weights and label smoothing.</param>
/// <param name="ValidationLoss">The validation loss of the prior; NaN without validation documents.</param>
/// <param name="ValidationAccuracy">The share of the largest class among the validation documents; NaN without them.</param>
internal sealed record PriorBaseline(double TrainingLoss, double ValidationLoss, double ValidationAccuracy)
{
    // A difference below this fraction of the loss can be chance.
    private const double Margin = 0.01;

    // Dropout and auxiliary losses raise the training loss of a model that predicts the prior, and few documents its validation loss, by about this fraction.
    private const double ExcessMargin = 0.02;

    /// <summary>Computes the prior of a classification.</summary>
    /// <param name="counts">The weight of the training documents of each class: their number, where documents have no weights.</param>
    /// <param name="classWeights">The weights of the classes in the training loss; null for equal ones.</param>
    /// <param name="labelSmoothing">The label smoothing of the training loss, in [0, 1).</param>
    /// <param name="validationCounts">The weight of the validation documents of each class; null without validation.</param>
    /// <remarks>
    /// With documents of the weight n_c, the class weight w_c, W = sum n_c w_c and n = sum n_c, the loss of the probabilities p is -sum q_c ln p_c with
    /// q_c = (1 - e) n_c w_c / W + e w_c n / (C W). Its minimum is at p = q / sum q. Half a document per class is added for validation, so that a
    /// class that is only in the validation documents has a finite loss.
    /// </remarks>
    public static PriorBaseline Create(
        IReadOnlyList<double> counts, IReadOnlyList<float>? classWeights, double labelSmoothing, IReadOnlyList<double>? validationCounts)
    {
        double[] target = Target(0);
        double sum = target.Sum();
        double training = -target.Where(q => q > 0).Sum(q => q * Math.Log(q / sum));
        if (validationCounts is null || validationCounts.Sum() == 0)
            return new PriorBaseline(training, double.NaN, double.NaN);
        double[] smoothed = Target(0.5);
        double all = validationCounts.Sum(), smoothedSum = smoothed.Sum();
        double validation = -validationCounts.Select((count, c) => count == 0 ? 0 : count / all * Math.Log(smoothed[c] / smoothedSum)).Sum();
        return new PriorBaseline(training, validation, validationCounts.Max() / all);

        double[] Target(double added)
        {
            double[] weights = [.. Enumerable.Range(0, counts.Count).Select(c => classWeights is null ? 1.0 : classWeights[c])];
            double weighted = counts.Select((count, c) => (count + added) * weights[c]).Sum();
            double documents = counts.Sum(count => count + added);
            return [.. counts.Select((count, c) => weights[c] * (((1 - labelSmoothing) * (count + added)) + (labelSmoothing * documents / counts.Count)) / weighted)];
        }
    }

    /// <summary>Returns whether validation metrics are better than the prior: a loss 1% lower, or an accuracy three standard errors higher.</summary>
    public bool IsBeatenBy(ValidationMetrics metrics)
    {
        if (metrics.Loss < (1 - Margin) * ValidationLoss)
            return true;
        double error = Math.Sqrt(ValidationAccuracy * (1 - ValidationAccuracy) / metrics.Count);
        return metrics.IsFinite && metrics.Accuracy > ValidationAccuracy + (3 * error);
    }

    /// <summary>Returns whether a training loss is worse than that of the prior.</summary>
    public bool IsExceededBy(double trainingLoss) => !(trainingLoss <= (1 + ExcessMargin) * TrainingLoss);

    /// <summary>Returns whether a validation loss is worse than that of the prior.</summary>
    public bool IsExceededByValidation(double loss) => !(loss <= (1 + ExcessMargin) * ValidationLoss);
}

/// <summary>A task that knows the metrics of the prior.</summary>
internal interface IPriorTask
{
    /// <summary>The metrics of the prior on the documents of the training; null before <see cref="ITrainingTask.Begin"/>.</summary>
    PriorBaseline? Prior { get; }
}
