namespace Maha.Layers.Text;

/// <summary>The linear models at the bottom of a stack, over the same n-grams: each reads something else of a document.</summary>
/// <param name="OfDocuments">Reads the document's vector.</param>
/// <param name="OfSegments">Reads the vectors of segments; fitted to their mean.</param>
/// <param name="OfBeginnings">Reads the first <see cref="EdgeTokens"/> tokens: titles, names, summaries stand there.</param>
/// <param name="OfEndings">Reads the last ones: authors, dates, conclusions.</param>
internal sealed record LinearParts(LinearModel OfDocuments, LinearModel OfSegments, LinearModel OfBeginnings, LinearModel OfEndings)
{
    /// <summary>The tokens of a beginning and of an ending, at most.</summary>
    public const int EdgeTokens = 160;

    /// <summary>The number of models.</summary>
    public const int Count = 4;

    /// <summary>Of models in the order of the parameters.</summary>
    public static LinearParts Of(IReadOnlyList<LinearModel> models) => new(models[0], models[1], models[2], models[3]);

    /// <summary>In the order of the parameters.</summary>
    public IReadOnlyList<LinearModel> All => [OfDocuments, OfSegments, OfBeginnings, OfEndings];

    /// <summary>The vector of a document's first tokens.</summary>
    public static SparseVector Beginning(NGramVocabulary vocabulary, IndexedText text)
        => vocabulary.Vector(text, 0, Math.Min(EdgeTokens, text.Tokens.Length));

    /// <summary>The vector of a document's last tokens.</summary>
    public static SparseVector Ending(NGramVocabulary vocabulary, IndexedText text)
        => vocabulary.Vector(text, Math.Max(0, text.Tokens.Length - EdgeTokens), text.Tokens.Length);
}
