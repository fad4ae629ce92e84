namespace Maha.TestData.NGrams;

/// <summary>The metrics of predicted probabilities on a task's test documents.</summary>
public sealed record NGramScore
{
    // As in ML.NET's evaluator.
    private const double SmallestProbability = 1e-15;

    public int Count { get; init; }

    public int Right { get; init; }

    /// <summary>The sum of -ln p(label).</summary>
    public double LogLoss { get; init; }

    /// <summary>The same for probabilities that are the shares of the classes among the training documents.</summary>
    public double PriorLogLoss { get; init; }

    /// <summary>The largest distance between the probability of a class and its share among the copies of a text, over texts with several labels.</summary>
    public double LargestShareError { get; init; }

    public double Seconds { get; init; }

    public double PredictSeconds { get; init; }

    public double Accuracy => (double)Right / Count;

    /// <summary>Adds the metrics of several tasks.</summary>
    public static NGramScore Sum(IReadOnlyList<NGramScore> parts) => new()
    {
        Count = parts.Sum(part => part.Count),
        Right = parts.Sum(part => part.Right),
        LogLoss = parts.Sum(part => part.LogLoss),
        PriorLogLoss = parts.Sum(part => part.PriorLogLoss),
        LargestShareError = parts.Max(part => part.LargestShareError),
        Seconds = parts.Sum(part => part.Seconds),
        PredictSeconds = parts.Sum(part => part.PredictSeconds),
    };

    /// <summary>Computes the metrics.</summary>
    /// <param name="task">The task.</param>
    /// <param name="probabilities">The probabilities of the classes for each test document; a document of another class is never right.</param>
    public static NGramScore Evaluate(NGramTask task, IReadOnlyList<double[]> probabilities)
    {
        double[] prior = new double[task.NumClasses];
        foreach (var row in task.Training)
            prior[row.Label] += 1.0 / task.Training.Count;
        double LogOf(double[] of, int label) => -Math.Log(label < of.Length ? Math.Max(of[label], SmallestProbability) : SmallestProbability);
        var shares = task.Training.GroupBy(row => row.Text)
            .ToDictionary(copies => copies.Key, copies => Enumerable.Range(0, task.NumClasses)
                .Select(c => (double)copies.Count(row => row.Label == c) / copies.Count()).ToArray());
        int right = 0;
        double loss = 0, ofPrior = 0, error = 0;
        foreach (var (row, of) in task.Testing.Zip(probabilities))
        {
            right += Array.IndexOf(of, of.Max()) == row.Label ? 1 : 0;
            loss += LogOf(of, row.Label);
            ofPrior += LogOf(prior, row.Label);
            if (shares.TryGetValue(row.Text, out double[]? share) && share.Max() < 1)
                error = Math.Max(error, of.Zip(share).Max(pair => Math.Abs(pair.First - pair.Second)));
        }
        return new NGramScore { Count = probabilities.Count, Right = right, LogLoss = loss, PriorLogLoss = ofPrior, LargestShareError = error };
    }

    /// <summary>The softmax of logits.</summary>
    public static double[] Probabilities(double[] logits)
    {
        double max = logits.Max(), sum = logits.Sum(logit => Math.Exp(logit - max));
        return [.. logits.Select(logit => Math.Exp(logit - max) / sum)];
    }
}
