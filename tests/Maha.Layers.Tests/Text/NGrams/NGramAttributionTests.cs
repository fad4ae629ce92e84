using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.TestData.NGrams;

namespace Maha.Layers.Tests.Text;

/// <summary>The division of the n-grams' logits among the tokens of a text.</summary>
public class NGramAttributionTests
{
    // Scores are summed in single precision.
    private const double Tolerance = 1e-5;

    private static readonly ByteLevelBpeTokenizer s_tokenizer = ByteLevelBpeTokenizer.Train(Array.Empty<string>());

    [Theory]
    [InlineData("rows-2-20")]
    [InlineData("rows-5-20")]
    [InlineData("rows-20-5")] // character trigrams
    [InlineData("rows-50-3")] // more classes than a dense model has
    [InlineData("noise-2-200")]
    public void SharesAndBias_SumToTheLogit(string name)
    {
        var task = NGramTask.Make(name, seed: 1);
        var model = Fit(task);
        foreach (string text in Texts(task))
        {
            var read = model.ReadWithPlaces(text);
            double[] logits = model.NewTextLogits(read);
            for (int c = 0; c < task.NumClasses; c++)
            {
                double[] direction = new double[task.NumClasses];
                direction[c] = 1;
                var (tokens, bias) = model.Attribute(read, direction);
                Assert.Equal(read.Tokens.Count, tokens.Length);
                Assert.InRange(bias + tokens.Sum() - logits[c], -Tolerance * Math.Max(1, Math.Abs(logits[c])), Tolerance * Math.Max(1, Math.Abs(logits[c])));
            }
        }
    }

    [Fact]
    public void SharesOfALabel_SumToItsLogOdds()
    {
        var task = NGramTask.Make("rows-3-20", seed: 2);
        var model = Fit(task);
        var scorer = new LabelScorer(((StackedScorer)model.Scorer).Parts, new LabelWeighting([0.5, 0.25, 0.75, 1.25, 0.125], [-1, 0.5, 2]));
        foreach (string text in Texts(task))
        {
            var indexed = model.Vocabulary.Index(model.ReadWithPlaces(text));
            double[] logits = scorer.Logits(model.Vocabulary, indexed), bias = scorer.Logits(model.Vocabulary, new IndexedText([], [], [], [], []));
            double[] shares = scorer.Attribute(model.Vocabulary, indexed, [0, 1, 0]);
            Assert.Equal(logits[1], bias[1] + shares.Sum(), Tolerance);
        }
    }

    [Fact]
    public void Attribution_IsLinearInTheDirection()
    {
        var task = NGramTask.Make("rows-3-20", seed: 2);
        var model = Fit(task);
        var read = model.ReadWithPlaces(LongText(task));
        double[][] units = [.. Enumerable.Range(0, 3).Select(c => model.Attribute(read, [c == 0 ? 1 : 0, c == 1 ? 1 : 0, c == 2 ? 1 : 0]).Tokens)];
        double[] combined = model.Attribute(read, [1, -0.25, -0.75]).Tokens;
        for (int i = 0; i < combined.Length; i++)
            Assert.Equal(units[0][i] - (0.25 * units[1][i]) - (0.75 * units[2][i]), combined[i], 1e-9);
    }

    // The twin follows the straight path from the document without tokens, with multipliers of the tokens and scores of its own.
    [Fact]
    public void Shares_AreIntegratedGradients()
    {
        const int steps = 100;
        const double change = 1e-5;
        var task = NGramTask.Make("rows-3-20", seed: 3);
        var model = Fit(task);
        var scorer = (StackedScorer)model.Scorer;
        var text = model.Vocabulary.Index(model.ReadWithPlaces(LongText(task)));
        Assert.True(text.SegmentEnds.Length > 2);
        double[] direction = [1, -0.75, -0.25], shares = scorer.Attribute(model.Vocabulary, text, direction);
        Assert.Contains(shares, share => Math.Abs(share) > 0.01);
        for (int token = 0; token < text.Tokens.Length; token += 17)
        {
            double integral = 0;
            for (int step = 0; step < steps; step++)
            {
                double[] multipliers = new double[text.Tokens.Length];
                Array.Fill(multipliers, (step + 0.5) / steps);
                multipliers[token] += change;
                double above = ScaledScore(model.Vocabulary, scorer, text, multipliers, direction);
                multipliers[token] -= 2 * change;
                integral += (above - ScaledScore(model.Vocabulary, scorer, text, multipliers, direction)) / (2 * change) / steps;
            }
            Assert.InRange(shares[token] - integral, -1e-4, 1e-4);
        }
    }

    [Fact]
    public void UnknownWords_HaveNoShare()
    {
        var task = NGramTask.Make("rows-2-20", seed: 1);
        var model = Fit(task);
        string known = task.Testing[0].Text.Split(' ')[0];
        var read = model.ReadWithPlaces($"zzzq {known} qqqz");
        double[] tokens = model.Attribute(read, [1, -1]).Tokens;
        Assert.Equal(0, tokens[0]);
        Assert.NotEqual(0, tokens[1]);
        Assert.Equal(0, tokens[2]);
    }

    [Fact]
    public void Places_AreThoseOfTheTokens() => HostileText.Check(text =>
    {
        var read = NGramText.Read(text, withPlaces: true);
        Assert.Equal(read.Tokens.Count, read.Places.Count);
        int end = 0;
        for (int i = 0; i < read.Places.Count; i++)
        {
            var (start, after) = read.Places[i];
            Assert.True(start >= end && after > start && after <= text.Length);
            end = after;
            // A part of a text is the same token, unless a surrogate that was alone in it is not alone any more.
            Assert.Equal([read.Tokens[i]], NGramText.Read(text.AsSpan(start, after - start)).Tokens);
        }
        Assert.Equal(NGramText.Read(text).Tokens, read.Tokens);
        Assert.Empty(NGramText.Read(text).Places);
    });

    private static IEnumerable<string> Texts(NGramTask task) =>
        [.. task.Testing.Take(4).Select(row => row.Text), LongText(task), "", "zzzq", string.Concat(Enumerable.Repeat(task.Testing[0].Text + " ", 3))];

    // Several segments, and more tokens than a beginning has.
    private static string LongText(NGramTask task) => string.Join(".\n\n", task.Testing.Take(60).Select(row => row.Text));

    private static NGramClassifier Fit(NGramTask task)
    {
        using var documents = TokenizedDataset.FromTexts(
            task.Training.Select(row => (row.Text, row.Label)), s_tokenizer, new TokenizedDatasetOptions { KeepTexts = true });
        return new NGramTrainer(documents, task.NumClasses, ClassWeighting.None, 1, new ParallelOptions()).Fit([]).Model;
    }

    // The score of a document of which token i counts m_i times: the definition of the stack, in double precision.
    private static double ScaledScore(NGramVocabulary vocabulary, StackedScorer scorer, IndexedText text, double[] multipliers, double[] direction)
    {
        int classes = direction.Length;
        var parts = scorer.Parts;
        (int, int)[] segments = [.. text.Segments()];
        double[][] ofSegments = [.. segments.Select(segment => Score(parts.Segments, segment))];
        double[][] ofDocument = [.. segments.Select(segment => Score(parts.Document, segment))];
        double[] features =
        [
            .. Score(parts.Document, (0, text.Tokens.Length)), .. Summary(ofSegments), .. Summary(ofDocument),
            .. Score(parts.Beginning, LinearParts.RangeOfBeginning(text)), .. Score(parts.Ending, LinearParts.RangeOfEnding(text)),
        ];
        double[] logits = scorer.Weights.Combine(StackedScorer.Evidence(features, scorer.Stacking.Mean), scorer.Stacking.Logits(features));
        return direction.Select((weight, c) => weight * logits[c]).Sum();

        IEnumerable<double> Summary(double[][] scores) =>
        [
            .. Enumerable.Range(0, classes).Select(c => scores.Average(score => score[c])),
            .. Enumerable.Range(0, classes).Select(c => scores.Average(score => Math.Tanh((score[c] - score.Average()) / 2))),
            .. Enumerable.Range(0, classes).Select(c => scores.Max(score => score[c])),
        ];

        double[] Score(LinearModel model, (int Start, int End) part)
        {
            var (start, end) = part;
            var vector = vocabulary.Vectorize(text, start, end);
            double[] scores = [.. model.Bias.Take(classes).Select(bias => (double)bias)];
            for (int f = 0; f < vector.Indices.Length; f++)
            {
                List<double> occurrences = [];
                for (int i = start; i < end; i++)
                {
                    if (text.Tokens[i] == vector.Indices[f])
                        occurrences.Add(multipliers[i]);
                    if (i > start && text.Pairs[i] == vector.Indices[f])
                        occurrences.Add((multipliers[i - 1] + multipliers[i]) / 2);
                }
                for (int c = 0; c < classes; c++)
                    scores[c] += vector.Values[f] * occurrences.Average() * model.Weights[(vector.Indices[f] * model.Stride) + c];
            }
            return scores;
        }
    }
}
