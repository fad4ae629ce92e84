namespace Maha.Layers.Text;

// V n-grams, C classes

/// <summary>A text classifier of linear models over n-grams and of the texts that several training documents have. Its methods are thread-safe.</summary>
/// <param name="vocabulary">The n-grams.</param>
/// <param name="scorer">The models that score them.</param>
/// <param name="repeated">The texts of several training documents.</param>
internal sealed partial class NGramClassifier(NGramVocabulary vocabulary, NGramScorer scorer, RepeatedTexts repeated)
{
    /// <summary>The largest number of classes for which an n-gram has a weight for every class, not only for those it occurs in.</summary>
    public const int MaxDenseClasses = StackingModel.MaxFullClasses;

    /// <summary>V.</summary>
    public int NumFeatures => vocabulary.Count;

    /// <summary>The n-grams.</summary>
    public NGramVocabulary Vocabulary => vocabulary;

    /// <summary>The models that score the n-grams.</summary>
    public NGramScorer Scorer => scorer;

    /// <summary>The texts of several training documents.</summary>
    public RepeatedTexts RepeatedTexts => repeated;

    /// <summary>Computes the logits of a text, [C].</summary>
    public double[] Logits(ReadOnlySpan<char> text)
    {
        var read = Read(text);
        return repeated.Adjust(NewTextLogits(read), read.ContentHash);
    }

    /// <summary>Reads a text as the model needs it.</summary>
    public NGramText Read(ReadOnlySpan<char> text) => NGramText.Read(text, vocabulary.HasCharacters);

    /// <summary>Reads a text as <see cref="Attribute"/> needs it: with the place of each token.</summary>
    public NGramText ReadWithPlaces(ReadOnlySpan<char> text) => NGramText.Read(text, vocabulary.HasCharacters, withPlaces: true);

    /// <summary>Divides a combination of the logits of a text, v z, among its tokens, as if no copy of the text was known.</summary>
    /// <param name="text">The text.</param>
    /// <param name="direction">v, [C].</param>
    /// <returns>
    /// The share of each token; and the bias, which is v z of an empty text. The bias and the shares sum to v z. The n-grams count as the inputs of the
    /// models: an n-gram that occurs several times gives each occurrence an equal share, and a pair gives half to each of its tokens.
    /// </returns>
    public (double[] Tokens, double Bias) Attribute(NGramText text, double[] direction)
    {
        double[] empty = scorer.Logits(vocabulary, new IndexedText([], [], [], [], []));
        return (scorer.Attribute(vocabulary, vocabulary.Index(text), direction), empty.Select((logit, c) => direction[c] * logit).Sum());
    }

    /// <summary>Computes the logits of a text as if no copy of it was known, [C].</summary>
    public double[] NewTextLogits(NGramText text) => scorer.Logits(vocabulary, vocabulary.Index(text));
}
