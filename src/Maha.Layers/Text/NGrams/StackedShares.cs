namespace Maha.Layers.Text;

// S segments, C classes

/// <summary>Divides a linear combination of <see cref="StackedFeatures"/> among the tokens of a document, exactly.</summary>
/// <remarks>
/// Five of the nine blocks are linear in the n-grams. The other four are the votes and the maxima of segments, and are divided by integrated gradients
/// (Sundararajan et al. 2017) from a document without tokens. In a segment, u + t (x w) goes from the bias u to the score in a straight line, so that a vote
/// gives its change, tanh((u + x w) / 2) - tanh(u / 2), to the n-grams in proportion to what they add to the score. The segment with the maximum is the same
/// for all t, so that it gives all of the maximum.
/// </remarks>
internal static class StackedShares
{
    /// <summary>Computes the share of each token in sum_f g_f (features_f - features_f of a document without tokens).</summary>
    /// <param name="vocabulary">The n-grams.</param>
    /// <param name="text">The document.</param>
    /// <param name="parts">The linear models.</param>
    /// <param name="gradient">g, [9 C].</param>
    public static double[] Compute(NGramVocabulary vocabulary, IndexedText text, LinearParts parts, double[] gradient)
    {
        int classes = parts.Document.NumClasses;
        var shares = new TokenShares(vocabulary, text);
        AddScore(parts.Document, StackedFeatures.DocumentBlock, (0, text.Tokens.Length));
        AddScore(parts.Beginning, StackedFeatures.BeginningBlock, LinearParts.RangeOfBeginning(text));
        AddScore(parts.Ending, StackedFeatures.EndingBlock, LinearParts.RangeOfEnding(text));
        (int Start, int End)[] segments = [.. text.Segments()];
        var vectors = Array.ConvertAll(segments, segment => vocabulary.Vectorize(text, segment));
        double[][] ofSegmentModel = WeightsOfClasses(parts.Segments, vectors, Blocks(StackedFeatures.SegmentBlocks));
        double[][] ofDocumentModel = WeightsOfClasses(parts.Document, vectors, Blocks(StackedFeatures.DocumentModelSegmentBlocks));
        for (int s = 0; s < segments.Length; s++)
        {
            double[] first = ofSegmentModel[s], second = ofDocumentModel[s];
            shares.Add(segments[s], feature => Dot(first, parts.Segments, feature) + Dot(second, parts.Document, feature));
        }
        return shares.Tokens;

        ReadOnlySpan<double> Blocks(int first) => gradient.AsSpan(first * classes, 3 * classes);

        void AddScore(LinearModel model, int block, (int Start, int End) part)
        {
            double[] weights = gradient[(block * classes)..((block + 1) * classes)];
            shares.Add(part, feature => Dot(weights, model, feature));
        }
    }

    // For each segment h [C], so that the blocks of a model are worth sum_c h_c x w_c of the segment, over what they are worth without tokens.
    private static double[][] WeightsOfClasses(LinearModel model, SparseVector[] vectors, ReadOnlySpan<double> gradient)
    {
        int classes = model.NumClasses, count = vectors.Length;
        double[][] scores = [.. vectors.Select(vector => Score(model, vector))];
        double[] bias = Centered([.. model.Bias.AsSpan(0, classes)]);
        double[][] weights = new double[count][];
        for (int s = 0; s < count; s++)
        {
            double[] ofSegment = weights[s] = new double[classes], centered = Centered(scores[s]);
            double meanOfVotes = 0;
            for (int c = 0; c < classes; c++)
            {
                double vote = gradient[classes + c] * SlopeOfVote(bias[c], centered[c]) / count;
                meanOfVotes += vote / classes;
                ofSegment[c] = (gradient[c] / count) + vote;
            }
            for (int c = 0; c < classes; c++)
                ofSegment[c] -= meanOfVotes;
        }
        for (int c = 0; c < classes; c++)
        {
            int best = 0;
            for (int s = 1; s < count; s++)
            {
                if (scores[s][c] > scores[best][c])
                    best = s;
            }
            if (count > 0)
                weights[best][c] += gradient[StackedFeatures.MaximumOfSegments * classes + c];
        }
        return weights;
    }

    // What a vote changes for each unit of the score.
    private static double SlopeOfVote(double from, double to)
    {
        const double tooSmall = 1e-6;
        double difference = to - from, tanh = Math.Tanh(to / 2);
        return Math.Abs(difference) < tooSmall ? (1 - tanh * tanh) / 2 : (tanh - Math.Tanh(from / 2)) / difference;
    }

    private static double[] Score(LinearModel model, SparseVector vector)
    {
        float[] scores = new float[model.Stride];
        model.Score(vector, scores);
        return [.. scores.AsSpan(0, model.NumClasses)];
    }

    private static double[] Centered(double[] scores)
    {
        double mean = scores.Average();
        return Array.ConvertAll(scores, score => score - mean);
    }

    private static double Dot(double[] weights, LinearModel model, int feature)
    {
        double sum = 0;
        for (int c = 0; c < weights.Length; c++)
            sum += weights[c] * model.Weights[feature * model.Stride + c];
        return sum;
    }
}
