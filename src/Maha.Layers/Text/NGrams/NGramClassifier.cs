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

    /// <summary>Computes the logits of a text as if no copy of it was known, [C].</summary>
    public double[] NewTextLogits(NGramText text) => scorer.Logits(vocabulary, vocabulary.Index(text));
}
