namespace Maha.Layers.Data;

/// <summary>Reads whole documents of a collection.</summary>
internal static class DocumentTokens
{
    /// <summary>Returns the token ids of a document, which are the caller's.</summary>
    /// <param name="documents">The collection.</param>
    /// <param name="index">The document, in [0, Count).</param>
    public static int[] TokensOf(this ITokenizedDocuments documents, int index)
    {
        int[] ids = new int[documents.LengthOf(index)];
        documents.CopyTokens(index, ids);
        return ids;
    }
}
