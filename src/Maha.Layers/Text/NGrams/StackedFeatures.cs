namespace Maha.Layers.Text;

// C classes

/// <summary>The features of a document that the second model of a stack reads: the linear models' scores of the document and of its parts.</summary>
/// <remarks>
/// Nine blocks of C numbers:
/// <list type="bullet">
/// <item>0: the score of the document under the document model.</item>
/// <item>1 to 3: the mean over the segments of their scores under the segment model; the mean of tanh(z / 2) of their centered scores, so that each segment
/// has one vote; and the maximum of their scores.</item>
/// <item>4 to 6: the same three under the document model.</item>
/// <item>7 and 8: the scores of the beginning and of the ending under their models.</item>
/// </list>
/// </remarks>
internal static class StackedFeatures
{
    /// <summary>The number of blocks.</summary>
    public const int NumBlocks = 9;

    public const int DocumentBlock = 0;

    /// <summary>The first of the three blocks of the segment model.</summary>
    public const int SegmentBlocks = 1;

    public const int BeginningBlock = 7;
    public const int EndingBlock = 8;

    /// <summary>The first of the three blocks that summarize the scores of segments under the document model.</summary>
    public const int DocumentModelSegmentBlocks = 4;

    // The blocks that summarize the scores of segments under one model.
    private const int BlocksOfSegments = 3;

    /// <summary>The maximum over the segments, relative to the first of the three blocks of a model.</summary>
    public const int MaximumOfSegments = 2;

    /// <summary>Computes the features of a document, [9 C].</summary>
    /// <param name="vocabulary">The n-grams.</param>
    /// <param name="text">The document.</param>
    /// <param name="parts">The linear models.</param>
    public static double[] Compute(NGramVocabulary vocabulary, IndexedText text, LinearParts parts)
    {
        int classes = parts.Document.NumClasses;
        double[] features = new double[NumBlocks * classes];
        float[] scores = new float[parts.Document.Stride];
        WriteScores(parts.Document, vocabulary.Vectorize(text, 0, text.Tokens.Length), DocumentBlock);
        WriteScores(parts.Beginning, LinearParts.VectorOfBeginning(vocabulary, text), BeginningBlock);
        WriteScores(parts.Ending, LinearParts.VectorOfEnding(vocabulary, text), EndingBlock);
        // A text without tokens has one empty segment: its scores are the models' biases.
        IReadOnlyList<(int Start, int End)> segments = text.SegmentEnds.Length == 0 ? [(0, 0)] : [.. text.Segments()];
        Blocks(SegmentBlocks + MaximumOfSegments, 1).Fill(double.NegativeInfinity);
        Blocks(DocumentModelSegmentBlocks + MaximumOfSegments, 1).Fill(double.NegativeInfinity);
        foreach (var (start, end) in segments)
        {
            var vector = vocabulary.Vectorize(text, start, end);
            parts.Segments.Score(vector, scores);
            AddSegment(scores.AsSpan(0, classes), Blocks(SegmentBlocks, BlocksOfSegments), 1.0 / segments.Count);
            parts.Document.Score(vector, scores);
            AddSegment(scores.AsSpan(0, classes), Blocks(DocumentModelSegmentBlocks, BlocksOfSegments), 1.0 / segments.Count);
        }
        return features;

        Span<double> Blocks(int first, int count) => features.AsSpan(first * classes, count * classes);

        void WriteScores(LinearModel model, SparseVector vector, int block)
        {
            model.Score(vector, scores);
            for (int c = 0; c < classes; c++)
                features[(block * classes) + c] = scores[c];
        }
    }

    // Adds the scores of a segment to the mean, the votes and the maximum.
    private static void AddSegment(ReadOnlySpan<float> scores, Span<double> blocks, double share)
    {
        int classes = scores.Length;
        double mean = 0;
        foreach (float score in scores)
            mean += score / (double)classes;
        for (int c = 0; c < classes; c++)
        {
            blocks[c] += share * scores[c];
            blocks[classes + c] += share * Math.Tanh((scores[c] - mean) / 2);
            blocks[MaximumOfSegments * classes + c] = Math.Max(blocks[MaximumOfSegments * classes + c], scores[c]);
        }
    }
}
