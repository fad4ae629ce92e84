using System.Text;

namespace Maha.Samples.Data.JaneAusten;

/// <summary>A novel.</summary>
/// <param name="Name">Its data set's name, such as "emma".</param>
/// <param name="Text">Its text: a paragraph is one line, an empty line follows each.</param>
public sealed record Novel(string Name, string Text)
{
    /// <summary>Joins the lines of a printed page to paragraphs, which empty lines part.</summary>
    public static Novel FromLines(string name, IEnumerable<string> lines)
    {
        var text = new StringBuilder();
        bool inParagraph = false;
        foreach (string line in lines.Select(line => line.Trim()))
        {
            if (line.Length > 0)
                text.Append(inParagraph ? " " : "").Append(line);
            else if (inParagraph)
                text.Append("\n\n");
            inParagraph = line.Length > 0;
        }

        if (inParagraph)
            text.Append("\n\n");
        return new Novel(name, text.ToString());
    }
}
