namespace Maha.Report.Content;

/// <summary>The labels of a model as files have them.</summary>
internal static class TextLabels
{
    /// <summary>Returns the index of a label, or -1 for one that the model does not have.</summary>
    /// <param name="labels">The labels of the model.</param>
    /// <param name="text">The label in the file.</param>
    /// <param name="isBinary">Whether the labels are false and true: JSON writes true, .NET True, and CSV may have 1.</param>
    public static int IndexOf(IReadOnlyList<string> labels, string text, bool isBinary)
    {
        for (int i = 0; i < labels.Count; i++)
        {
            if (labels[i].Equals(text, isBinary ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal))
                return i;
        }
        return isBinary && text is "0" or "1" ? text[0] - '0' : -1;
    }
}
