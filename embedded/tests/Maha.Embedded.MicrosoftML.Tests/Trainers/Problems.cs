using Microsoft.ML.Trainers;

namespace Maha.Embedded.MicrosoftML.Tests.Trainers;

/// <summary>Fixed random classification problems, the same for the solver and its slow twin.</summary>
internal sealed class Problems
{
    public required double[][] Rows { get; init; }

    public required int[] Labels { get; init; }

    public required double[] Weights { get; init; }

    /// <summary>Noisy linear classes over sparse rows; with <paramref name="weighted"/> row weights from 0.5 to 2.</summary>
    public static Problems Create(int seed, int numRows, int numFeatures, int numClasses, bool weighted = false)
    {
        var random = new Random(seed);
        var truth = Enumerable.Range(0, numClasses).Select(_ => Enumerable.Range(0, numFeatures).Select(_ => Normal(random)).ToArray()).ToArray();
        var rows = new double[numRows][];
        var labels = new int[numRows];
        var weights = new double[numRows];
        for (int r = 0; r < numRows; r++)
        {
            rows[r] = Enumerable.Range(0, numFeatures).Select(_ => random.Next(3) == 0 ? 0.0 : (float)Normal(random)).ToArray();
            labels[r] = Enumerable.Range(0, numClasses).MaxBy(c => truth[c].Zip(rows[r], (a, b) => a * b).Sum() + 2 * Normal(random));
            weights[r] = weighted ? (float)(0.5 + 1.5 * random.NextDouble()) : 1;
        }

        return new Problems { Rows = rows, Labels = labels, Weights = weights };
    }

    public TrainingExamples ToExamples()
    {
        var examples = new TrainingExamples(Rows[0].Length);
        for (int r = 0; r < Rows.Length; r++)
            examples.Add(Rows[r].Select(v => (float)v).ToArray(), [], Labels[r], (float)Weights[r]);
        return examples;
    }

    private static double Normal(Random random)
        => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
