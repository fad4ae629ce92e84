using System.Text;

namespace Maha.Documents.Readers;

/// <summary>Text in paragraphs and lines, without white space at the ends of lines.</summary>
internal sealed class ReadableText
{
    private readonly StringBuilder _text = new();
    private Gap _gap;

    // Ordered: the larger one of two gaps holds.
    private enum Gap
    {
        None,
        Space,
        Tab,
        Line,
        Paragraph,
    }

    /// <summary>Adds text.</summary>
    /// <param name="data">The text.</param>
    /// <param name="isPreformatted">Whether its spaces and line breaks are kept; otherwise they are collapsed into one space.</param>
    public void Add(string data, bool isPreformatted)
    {
        if (isPreformatted)
        {
            AddLines(data);
            return;
        }
        var rest = data.AsSpan();
        while (!rest.IsEmpty)
        {
            int space = rest.IndexOfAny(" \t\r\n\f");
            int end = space < 0 ? rest.Length : space;
            Append(rest[..end]);
            if (space >= 0)
                Widen(Gap.Space);
            rest = rest[Math.Min(rest.Length, end + 1)..];
        }
    }

    /// <summary>Ends a line.</summary>
    public void EndLine() => Widen(Gap.Line);

    /// <summary>Ends a paragraph.</summary>
    public void EndParagraph() => Widen(Gap.Paragraph);

    /// <summary>Ends a cell of a table.</summary>
    public void EndCell() => Widen(Gap.Tab);

    /// <summary>Returns the text, without white space at both ends.</summary>
    public override string ToString() => _text.ToString();

    private void AddLines(string data)
    {
        foreach (var line in data.AsSpan().EnumerateLines())
        {
            var text = line.TrimEnd();
            if (!text.IsEmpty)
            {
                int indent = text.Length - text.TrimStart().Length;
                Append(_gap >= Gap.Line || _text.Length == 0 ? text : text[indent..]);
            }
            else if (_gap == Gap.Line)
            {
                Widen(Gap.Paragraph);
            }
            Widen(Gap.Line);
        }
        // The last piece has no line break after it.
        if (_gap == Gap.Line && !data.EndsWith('\n'))
            _gap = data.Length > 0 && char.IsWhiteSpace(data[^1]) ? Gap.Space : Gap.None;
    }

    private void Append(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty)
            return;
        if (_text.Length > 0)
        {
            _text.Append(_gap switch
            {
                Gap.None => "",
                Gap.Space => " ",
                Gap.Tab => "\t",
                Gap.Line => "\n",
                _ => "\n\n",
            });
        }
        _gap = Gap.None;
        _text.Append(text);
    }

    private void Widen(Gap gap)
    {
        if (gap > _gap)
            _gap = gap;
    }
}
