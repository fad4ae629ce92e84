namespace Maha.Layers.Text;

// C classes

/// <summary>What the second model of a stack sees of a document: scores of the whole, of its segments and of its two ends.</summary>
/// <remarks>
/// Nine blocks of C: the scores of the document's vector under the model of documents; of the segments' scores under the model of segments the mean, the mean of
/// tanh(z / 2) of the centered scores (so that every segment has one vote, a clear one a whole one), and the maximum; the same three under the model of documents;
/// the scores of the beginning and of the ending under the models of these.
/// </remarks>
internal static class StackedFeatures
{
    /// <summary>The number of blocks.</summary>
    public const int NumBlocks = 9;

    /// <summary>The features of a document, [9 C].</summary>
    /// <param name="vocabulary">The n-grams.</param>
    /// <param name="text">The document.</param>
    /// <param name="parts">The linear models.</param>
    public static double[] Of(NGramVocabulary vocabulary, IndexedText text, LinearParts parts)
    {
        int classes = parts.OfDocuments.NumClasses;
        double[] features = new double[NumBlocks * classes];
        float[] scores = new float[parts.OfDocuments.Stride];
        Write(parts.OfDocuments, vocabulary.Vector(text, 0, text.Tokens.Length), block: 0);
        Write(parts.OfBeginnings, LinearParts.Beginning(vocabulary, text), block: 7);
        Write(parts.OfEndings, LinearParts.Ending(vocabulary, text), block: 8);
        // A text without tokens has one segment, of nothing: the models' biases.
        IReadOnlyList<(int Start, int End)> segments = text.SegmentEnds.Length == 0 ? [(0, 0)] : [.. text.Segments()];
        features.AsSpan(3 * classes, classes).Fill(double.NegativeInfinity);
        features.AsSpan(6 * classes, classes).Fill(double.NegativeInfinity);
        foreach (var (start, end) in segments)
        {
            var vector = vocabulary.Vector(text, start, end);
            parts.OfSegments.Score(vector, scores);
            Gather(scores.AsSpan(0, classes), features.AsSpan(classes, 3 * classes), 1.0 / segments.Count);
            parts.OfDocuments.Score(vector, scores);
            Gather(scores.AsSpan(0, classes), features.AsSpan(4 * classes, 3 * classes), 1.0 / segments.Count);
        }
        return features;

        void Write(LinearModel model, SparseVector vector, int block)
        {
            model.Score(vector, scores);
            for (int c = 0; c < classes; c++)
                features[(block * classes) + c] = scores[c];
        }
    }

    private static void Gather(ReadOnlySpan<float> scores, Span<double> blocks, double share)
    {
        int classes = scores.Length;
        double mean = 0;
        foreach (float score in scores)
            mean += score / (double)classes;
        for (int c = 0; c < classes; c++)
        {
            blocks[c] += share * scores[c];
            blocks[classes + c] += share * Math.Tanh((scores[c] - mean) / 2);
            blocks[2 * classes + c] = Math.Max(blocks[2 * classes + c], scores[c]);
        }
    }
}
