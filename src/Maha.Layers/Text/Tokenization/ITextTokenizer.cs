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

    /// <summary>Writes the tokenizer to a stream, which stays open.</summary>
    void Save(Stream stream);
}
