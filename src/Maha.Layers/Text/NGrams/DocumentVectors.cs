namespace Maha.Layers.Text;

/// <summary>The vectors of a document that the linear models of a stack are fitted to.</summary>
/// <param name="Indices">The n-grams of the document.</param>
/// <param name="Document">The document's vector, over <paramref name="Indices"/>.</param>
/// <param name="Segments">The mean of its segments' vectors, over the same n-grams.</param>
/// <param name="Beginning">The vector of its first tokens.</param>
/// <param name="Ending">The vector of its last tokens.</param>
internal readonly record struct DocumentVectors(int[] Indices, float[] Document, float[] Segments, SparseVector Beginning, SparseVector Ending)
{
    /// <summary>Whether the document is no longer than its beginning.</summary>
    public bool IsShort => ReferenceEquals(Beginning.Values, Document);

    /// <summary>Computes the vectors of a document.</summary>
    public static DocumentVectors Compute(NGramVocabulary vocabulary, IndexedText text)
    {
        var document = vocabulary.Vectorize(text, 0, text.Tokens.Length);
        bool isShort = text.Tokens.Length <= LinearParts.EdgeTokens;
        var beginning = isShort ? document : LinearParts.VectorOfBeginning(vocabulary, text);
        var ending = isShort ? document : LinearParts.VectorOfEnding(vocabulary, text);
        if (text.SegmentEnds.Length == 1)
            return new DocumentVectors(document.Indices, document.Values, document.Values, beginning, ending);
        float[] means = new float[document.Indices.Length];
        foreach (var (start, end) in text.Segments())
        {
            var segment = vocabulary.Vectorize(text, start, end);
            for (int i = 0; i < segment.Indices.Length; i++)
                means[Array.BinarySearch(document.Indices, segment.Indices[i])] += segment.Values[i] / text.SegmentEnds.Length;
        }
        return new DocumentVectors(document.Indices, document.Values, means, beginning, ending);
    }
}
