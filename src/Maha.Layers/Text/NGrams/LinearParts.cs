namespace Maha.Layers.Text;

/// <summary>The linear models at the bottom of a stack. All are over the same n-grams, but each scores another part of a document.</summary>
/// <param name="Document">Scores the vector of the document.</param>
/// <param name="Segments">Scores the vectors of segments; it is fitted to their mean.</param>
/// <param name="Beginning">Scores the first <see cref="EdgeTokens"/> tokens, where titles, names and summaries are.</param>
/// <param name="Ending">Scores the last <see cref="EdgeTokens"/> tokens, where authors, dates and conclusions are.</param>
internal sealed record LinearParts(LinearModel Document, LinearModel Segments, LinearModel Beginning, LinearModel Ending)
{
    /// <summary>The largest number of tokens of a beginning, and of an ending.</summary>
    public const int EdgeTokens = 160;

    /// <summary>The number of models.</summary>
    public const int Count = 4;

    /// <summary>Creates the set from models in the order of the parameters.</summary>
    public LinearParts(IReadOnlyList<LinearModel> models) : this(models[0], models[1], models[2], models[3])
    {
    }

    /// <summary>The models in the order of the parameters.</summary>
    public IReadOnlyList<LinearModel> All => [Document, Segments, Beginning, Ending];

    /// <summary>Returns the first tokens of a document.</summary>
    public static (int Start, int End) RangeOfBeginning(IndexedText text) => (0, Math.Min(EdgeTokens, text.Tokens.Length));

    /// <summary>Returns the last tokens of a document.</summary>
    public static (int Start, int End) RangeOfEnding(IndexedText text) => (Math.Max(0, text.Tokens.Length - EdgeTokens), text.Tokens.Length);

    /// <summary>Returns the vector of a document's first tokens.</summary>
    public static SparseVector VectorOfBeginning(NGramVocabulary vocabulary, IndexedText text) => vocabulary.Vectorize(text, RangeOfBeginning(text));

    /// <summary>Returns the vector of a document's last tokens.</summary>
    public static SparseVector VectorOfEnding(NGramVocabulary vocabulary, IndexedText text) => vocabulary.Vectorize(text, RangeOfEnding(text));
}
