namespace Maha.Layers.Text;

/// <summary>The share of each token of a document in a score that linear models over n-grams give.</summary>
/// <param name="vocabulary">The n-grams.</param>
/// <param name="text">The document.</param>
internal sealed class TokenShares(NGramVocabulary vocabulary, IndexedText text)
{
    /// <summary>The shares so far.</summary>
    public double[] Tokens { get; } = new double[text.Tokens.Length];

    /// <summary>
    /// Adds a score of a part of the document, sum_f x_f w_f, where x is the vector of the part. An n-gram that occurs several times gives each occurrence an
    /// equal share, and a pair gives half to each of its tokens.
    /// </summary>
    /// <param name="part">The first token of the part, and its end, exclusive.</param>
    /// <param name="weightOf">Returns w_f.</param>
    public void Add((int Start, int End) part, Func<int, double> weightOf)
    {
        var (start, end) = part;
        var vector = vocabulary.Vectorize(text, start, end);
        if (vector.Indices.Length == 0)
            return;
        int[] counts = new int[vector.Indices.Length];
        for (int i = start; i < end; i++)
        {
            Count(text.Tokens[i]);
            if (i > start)
                Count(text.Pairs[i]);
            foreach (int characters in text.CharactersOf(i, i + 1))
                Count(characters);
        }
        double[] each = new double[counts.Length];
        for (int f = 0; f < each.Length; f++)
            each[f] = vector.Values[f] * weightOf(vector.Indices[f]) / counts[f];
        for (int i = start; i < end; i++)
        {
            Tokens[i] += ShareOf(text.Tokens[i]);
            if (i > start)
            {
                double half = ShareOf(text.Pairs[i]) / 2;
                Tokens[i - 1] += half;
                Tokens[i] += half;
            }
            foreach (int characters in text.CharactersOf(i, i + 1))
                Tokens[i] += ShareOf(characters);
        }

        void Count(int feature)
        {
            if (feature >= 0)
                counts[Array.BinarySearch(vector.Indices, feature)]++;
        }

        double ShareOf(int feature) => feature < 0 ? 0 : each[Array.BinarySearch(vector.Indices, feature)];
    }
}
