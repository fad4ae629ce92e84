namespace Maha.Layers.Data;

/// <summary>Documents as token ids whose texts can be read too: of a document that was cut, the text of the kept tokens.</summary>
internal interface ITextDocuments : ITokenizedDocuments
{
    /// <summary>Returns the text of a document.</summary>
    /// <param name="index">From 0 to Count - 1.</param>
    string TextOf(int index);
}
