using System.Text;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// How a text file is cut into lines, and a line into fields.
internal sealed record TextFormat(char[] Separators, bool HasHeader, bool AllowQuoting, bool TrimWhitespace, bool AllowSparse, bool ReadMultilines, char EscapeChar, bool KeepEmpty, int InputSize)
{
    // The data lines with their numbers (from 1): no blank lines, no comments. Those begin with // anywhere, before the first line also with #.
    public IEnumerable<(long Number, string Text)> Lines(TextReader reader, bool withHeader)
    {
        bool isFirst = true;
        long number = 0;
        while (ReadLine(reader, ref number, out long start) is { } line)
        {
            if (line.Length == 0 || line.StartsWith("//", StringComparison.Ordinal) || (isFirst && line[0] == '#'))
                continue;
            if (!isFirst || !HasHeader || withHeader)
                yield return (start, line);
            isFirst = false;
        }
    }

    private string ReadLine(TextReader reader, ref long number, out long start)
    {
        string line = reader.ReadLine();
        start = ++number;
        if (!ReadMultilines || line == null || !EndsInQuotes(line, false))
            return line;
        var text = new StringBuilder(line);
        bool open = true;
        while (open)
        {
            line = reader.ReadLine();
            if (line == null)
                throw new EndOfStreamException($"A quoted field opened on line {start} was never closed, and we've read to the last line in the file without finding the closing quote");
            number++;
            text.Append('\n').Append(line);
            open = EndsInQuotes(line, true);
        }
        return text.ToString();
    }

    private bool IsSeparator(char c) => Array.IndexOf(Separators, c) >= 0;

    private bool EndsInQuotes(string line, bool open)
    {
        int at = 0;
        bool fieldStart = !open;
        while (at < line.Length)
        {
            char c = line[at++];
            if (open)
            {
                if (c == EscapeChar && EscapeChar != '"')
                    at++;
                else if (c == '"')
                {
                    if (EscapeChar == '"' && at < line.Length && line[at] == '"')
                        at++;
                    else
                        open = false;
                }
            }
            else if (c == '"' && fieldStart)
                open = true;
            else
                fieldStart = IsSeparator(c) || (fieldStart && c == ' ');
        }
        return open;
    }

    // The fields of a line up to the source column `last`, by rising column. Empty fields are left out unless KeepEmpty.
    // The result is one past the last column of the line, or of what was read of it.
    public int Split(string text, int last, List<(int Column, ReadOnlyMemory<char> Text)> fields, Action<string> complain)
    {
        fields.Clear();
        ReadOnlyMemory<char> line = TrimWhitespace ? text.AsMemory().TrimEnd() : text.AsMemory();
        int at = 0, column = 0;
        if (!AllowSparse)
        {
            bool more;
            do
            {
                more = NextField(line, ref at, out ReadOnlyMemory<char> field, out _, complain);
                if (KeepEmpty || !field.IsEmpty)
                    fields.Add((column, field));
            }
            while (column++ < last && more);
            return column;
        }
        return SplitSparse(line, last, fields, complain);
    }

    // Sparse values, index:value, may follow plain ones. The value before the first of them is their number of slots, unless InputSize says it.
    private int SplitSparse(ReadOnlyMemory<char> line, int last, List<(int Column, ReadOnlyMemory<char> Text)> fields, Action<string> complain)
    {
        int at = 0, column = 0, previous = -1, sparseStart = -1, size = InputSize;
        bool more;
        do
        {
            more = NextField(line, ref at, out ReadOnlyMemory<char> field, out int index, complain);
            if (index < 0)
            {
                if (sparseStart >= 0)
                {
                    complain("Non-sparse formatted value follows sparse formatted value");
                    break;
                }
                if (!field.IsEmpty)
                    fields.Add((column, field));
                column++;
                // One more than needed is read: it may turn out to be the number of slots.
                if (column > last + 1L)
                    break;
                continue;
            }
            if (sparseStart < 0)
            {
                if (size > 0)
                    sparseStart = fields.Count;
                else
                {
                    if (fields.Count == 0 || fields[^1].Column != column - 1 || !int.TryParse(fields[^1].Text.Span, out int slots) || slots <= 0)
                    {
                        complain("Missing or bad dimensionality, or ambiguous sparse item. Turn allowSparse off for a file that isn't sparse, or quote the value.");
                        break;
                    }
                    sparseStart = column - 1;
                    fields.RemoveAt(fields.Count - 1);
                    size = sparseStart + slots;
                }
            }
            int source = sparseStart + index;
            if (index >= size - sparseStart || index <= previous)
            {
                complain($"Sparse item index {index} is out of range or not increasing (the line has {size - sparseStart} slots)");
                break;
            }
            previous = index;
            if (source > last)
                break;
            if (!field.IsEmpty)
                fields.Add((source, field));
        }
        while (more);
        return sparseStart >= 0 ? size : column;
    }

    private bool NextField(ReadOnlyMemory<char> line, ref int at, out ReadOnlyMemory<char> field, out int sparseIndex, Action<string> complain)
    {
        ReadOnlySpan<char> text = line.Span;
        field = default;
        sparseIndex = -1;
        SkipSpaces(text, ref at);
        if (AllowSparse)
        {
            int end = at;
            while (end < text.Length && end - at < 9 && char.IsAsciiDigit(text[end]))
                end++;
            if (end > at && end < text.Length && text[end] == ':')
            {
                sparseIndex = int.Parse(text[at..end]);
                at = end + 1;
                SkipSpaces(text, ref at);
            }
        }
        if (at >= text.Length)
            return false;
        if (AllowQuoting && text[at] == '"')
            field = QuotedField(text, ref at, complain);
        else
        {
            int length = text[at..].IndexOfAny(Separators);
            length = length < 0 ? text.Length - at : length;
            field = line.Slice(at, length);
            at += length;
        }
        return at++ < text.Length;
    }

    private void SkipSpaces(ReadOnlySpan<char> text, ref int at)
    {
        if (!IsSeparator(' '))
            while (at < text.Length && text[at] == ' ')
                at++;
    }

    private ReadOnlyMemory<char> QuotedField(ReadOnlySpan<char> text, ref int at, Action<string> complain)
    {
        var field = new StringBuilder();
        bool closed = false;
        at++;
        while (at < text.Length && !closed)
        {
            char c = text[at++];
            char next = at < text.Length ? text[at] : '\0';
            if (c == EscapeChar && next == '"')
            {
                field.Append('"');
                at++;
            }
            else if (c == '"')
                closed = true;
            else
                field.Append(c);
        }
        bool ok = closed;
        for (; at < text.Length && !IsSeparator(text[at]); at++)
            ok &= text[at] == ' ';
        if (ok)
            return field.ToString().AsMemory();
        complain("Illegal quoting");
        return default;
    }
}
