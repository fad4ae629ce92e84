namespace Maha.TestData.NGrams;

/// <summary>What probabilities of a family's test documents are worth.</summary>
public sealed record NGramScore
{
    // As ML.NET's evaluator does.
    private const double SmallestProbability = 1e-15;

    public int Count { get; init; }

    public int Right { get; init; }

    /// <summary>The sum of -ln p(label).</summary>
    public double LogLoss { get; init; }

    /// <summary>The same, of the shares of the classes among the training documents.</summary>
    public double PriorLogLoss { get; init; }

    /// <summary>How far the probability of a class is from its share among the copies of a text, at most; of texts of several labels.</summary>
    public double LargestShareError { get; init; }

    public double Seconds { get; init; }

    public double PredictSeconds { get; init; }

    public double Accuracy => (double)Right / Count;

    /// <summary>Of several families, what their documents together are worth.</summary>
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

    /// <summary>Judges.</summary>
    /// <param name="family">The documents.</param>
    /// <param name="probabilities">For each test document, of the classes; a document of another class is never right.</param>
    public static NGramScore Evaluate(NGramTask family, IReadOnlyList<double[]> probabilities)
    {
        double[] prior = new double[family.NumClasses];
        foreach (var row in family.Training)
            prior[row.Label] += 1.0 / family.Training.Count;
        double LogOf(double[] of, int label) => -Math.Log(label < of.Length ? Math.Max(of[label], SmallestProbability) : SmallestProbability);
        var shares = family.Training.GroupBy(row => row.Text)
            .ToDictionary(copies => copies.Key, copies => Enumerable.Range(0, family.NumClasses).Select(c => (double)copies.Count(row => row.Label == c) / copies.Count()).ToArray());
        int right = 0;
        double loss = 0, ofPrior = 0, error = 0;
        foreach (var (row, of) in family.Testing.Zip(probabilities))
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
