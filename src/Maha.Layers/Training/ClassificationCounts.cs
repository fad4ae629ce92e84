using Maha.Layers.Core;

namespace Maha.Layers.Training;

/// <summary>Counts correct and wrong predictions, and computes the metrics of a whole data set from the counts.</summary>
internal sealed class ClassificationCounts
{
    private readonly long[] _labeled;
    private readonly long[] _predicted;
    private readonly long[] _correct;
    private double _negativeLogProbability;

    /// <summary>Creates empty counts.</summary>
    /// <param name="numClasses">The number of classes C, at least 1.</param>
    public ClassificationCounts(int numClasses)
    {
        TensorChecks.InRange(numClasses, 1, 1 << 24, nameof(numClasses), "Pass the number of classes of the model.");
        _labeled = new long[numClasses];
        _predicted = new long[numClasses];
        _correct = new long[numClasses];
    }

    /// <summary>The number of predictions.</summary>
    public long Count { get; private set; }

    /// <summary>The fraction of correct predictions; NaN without predictions.</summary>
    public double Accuracy => (double)_correct.Sum() / Count;

    /// <summary>The mean of -ln p(label); NaN without predictions.</summary>
    public double LogLoss => _negativeLogProbability / Count;

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
                long occurrences = _labeled[c] + _predicted[c];
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
    /// <exception cref="ArgumentOutOfRangeException">A class is not in [0, C).</exception>
    public void Add(int label, int predicted, double logProbability)
    {
        TensorChecks.InRange(label, 0, _labeled.Length - 1, nameof(label), "Classes are counted from 0.");
        TensorChecks.InRange(predicted, 0, _labeled.Length - 1, nameof(predicted), "Classes are counted from 0.");
        _labeled[label]++;
        _predicted[predicted]++;
        if (label == predicted)
            _correct[label]++;
        _negativeLogProbability -= logProbability;
        Count++;
    }
}
