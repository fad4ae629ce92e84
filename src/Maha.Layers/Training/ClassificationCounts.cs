using Maha.Layers.Core;

namespace Maha.Layers.Training;

/// <summary>Counts correct and wrong predictions by their weights, and computes the metrics of a whole data set from the counts.</summary>
internal sealed class ClassificationCounts
{
    private readonly double[] _labeled;
    private readonly double[] _predicted;
    private readonly double[] _correct;
    private double _weight;
    private double _negativeLogProbability;

    /// <summary>Creates empty counts.</summary>
    /// <param name="numClasses">The number of classes C, at least 1.</param>
    public ClassificationCounts(int numClasses)
    {
        TensorChecks.InRange(numClasses, 1, 1 << 24, nameof(numClasses), "Pass the number of classes of the model.");
        _labeled = new double[numClasses];
        _predicted = new double[numClasses];
        _correct = new double[numClasses];
    }

    /// <summary>The number of predictions.</summary>
    public long Count { get; private set; }

    /// <summary>The fraction of correct predictions; NaN without predictions.</summary>
    public double Accuracy => _correct.Sum() / _weight;

    /// <summary>The mean of -ln p(label); NaN without predictions.</summary>
    public double LogLoss => _negativeLogProbability / _weight;

    /// <summary>
    /// The mean over the classes of F1 = 2 correct / (labeled + predicted), the harmonic mean of precision and recall. Classes that are
    /// neither the label nor the prediction of a document are left out. NaN without predictions.
    /// </summary>
    public double MacroF1
    {
        get
        {
            double sum = 0;
            int classes = 0;
            for (int c = 0; c < _correct.Length; c++)
            {
                double occurrences = _labeled[c] + _predicted[c];
                if (occurrences == 0)
                    continue;
                sum += 2.0 * _correct[c] / occurrences;
                classes++;
            }
            return sum / classes;
        }
    }

    /// <summary>Adds a prediction.</summary>
    /// <param name="label">The class of the document.</param>
    /// <param name="predicted">The predicted class.</param>
    /// <param name="logProbability">ln p(label), at most 0.</param>
    /// <param name="weight">The weight of the document.</param>
    /// <exception cref="ArgumentOutOfRangeException">A class is not in [0, C).</exception>
    public void Add(int label, int predicted, double logProbability, double weight = 1)
    {
        TensorChecks.InRange(label, 0, _labeled.Length - 1, nameof(label), "Classes are counted from 0.");
        TensorChecks.InRange(predicted, 0, _labeled.Length - 1, nameof(predicted), "Classes are counted from 0.");
        _labeled[label] += weight;
        _predicted[predicted] += weight;
        if (label == predicted)
            _correct[label] += weight;
        _negativeLogProbability -= weight * logProbability;
        _weight += weight;
        Count++;
    }
}
