namespace Maha.MLNet.Classification.NGrams;

// C classes

/// <summary>What the second model of a stack sees of a document: scores of the whole and of its segments.</summary>
/// <remarks>
/// Seven blocks of C: the scores of the document's vector under the model of documents; of the segments' scores under the model of segments the mean, the mean of
/// tanh(z / 2) of the centered scores (so that every segment has one vote, a clear one a whole one), and the maximum; the same three under the model of documents.
/// </remarks>
internal static class StackedFeatures
{
    /// <summary>The number of blocks.</summary>
    public const int NumBlocks = 7;

    /// <summary>The features of a document, [7 C].</summary>
    /// <param name="vocabulary">The n-grams.</param>
    /// <param name="text">The document.</param>
    /// <param name="ofDocuments">The model of documents.</param>
    /// <param name="ofSegments">The model of segments.</param>
    public static double[] Of(NGramVocabulary vocabulary, IndexedText text, LinearModel ofDocuments, LinearModel ofSegments)
    {
        int classes = ofDocuments.NumClasses;
        double[] features = new double[NumBlocks * classes];
        float[] scores = new float[ofDocuments.Stride];
        ofDocuments.Score(vocabulary.Vector(text, 0, text.Tokens.Length), scores);
        for (int c = 0; c < classes; c++)
            features[c] = scores[c];
        // A text without tokens has one segment, of nothing: the models' biases.
        IReadOnlyList<(int Start, int End)> segments = text.SegmentEnds.Length == 0 ? [(0, 0)] : [.. text.Segments()];
        features.AsSpan(3 * classes, classes).Fill(double.NegativeInfinity);
        features.AsSpan(6 * classes, classes).Fill(double.NegativeInfinity);
        foreach (var (start, end) in segments)
        {
            var vector = vocabulary.Vector(text, start, end);
            ofSegments.Score(vector, scores);
            Gather(scores.AsSpan(0, classes), features.AsSpan(classes, 3 * classes), 1.0 / segments.Count);
            ofDocuments.Score(vector, scores);
            Gather(scores.AsSpan(0, classes), features.AsSpan(4 * classes, 3 * classes), 1.0 / segments.Count);
        }
        return features;
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
