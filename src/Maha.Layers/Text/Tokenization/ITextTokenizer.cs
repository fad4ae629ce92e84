namespace Maha.Layers.Text;

/// <summary>Turns texts into the token ids that a network reads. Implementations are immutable, so that threads can share them.</summary>
internal interface ITextTokenizer
{
    /// <summary>V, the number of token ids.</summary>
    int VocabSize { get; }

    /// <summary>Encodes a text. Nothing is added to its tokens, and no text becomes a special token.</summary>
    int[] Encode(ReadOnlySpan<char> text);

    /// <summary>Returns the number of whole characters, from the start or from the end of a text, that some of its tokens cover.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokenIds">Its first or its last token ids.</param>
    /// <param name="fromEnd">Whether they are the last.</param>
    int CharactersOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds, bool fromEnd);

    /// <summary>Returns for each token of a text the number of characters that the tokens up to it cover.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokenIds">All its token ids.</param>
    /// <returns>
    /// The numbers, ascending. A token that does not end a character, or a word if tokens do not have places of their own, adds nothing: the one that ends it
    /// adds all of it.
    /// </returns>
    int[] EndsOf(ReadOnlySpan<char> text, ReadOnlySpan<int> tokenIds);

    /// <summary>Writes the tokenizer to a stream, which stays open.</summary>
    void Save(Stream stream);
}
