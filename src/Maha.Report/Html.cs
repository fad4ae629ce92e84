using System.Globalization;
using System.Text;

namespace Maha.Report;

/// <summary>Writes HTML. Everything that is not written as markup is escaped.</summary>
internal sealed class Html
{
    private readonly StringBuilder _page = new();

    /// <summary>Writes markup, which must not hold data.</summary>
    public Html Markup(string markup)
    {
        _page.Append(markup);
        return this;
    }

    /// <summary>Writes data as text.</summary>
    public Html Text(string text)
    {
        _page.Append(Escape(text));
        return this;
    }

    /// <summary>Writes an element with data as its text.</summary>
    /// <param name="tag">The element, with attributes that hold no data.</param>
    /// <param name="text">The data.</param>
    public Html Element(string tag, string text) => Markup($"<{tag}>").Text(text).Markup($"</{tag.Split(' ')[0]}>");

    /// <inheritdoc/>
    public override string ToString() => _page.ToString();

    /// <summary>
    /// Returns data as text of an element or of an attribute in quotes. Characters that HTML does not allow, such as other control characters than tabs and
    /// line breaks and lone surrogates, become U+FFFD.
    /// </summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length + 16);
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '&':
                    escaped.Append("&amp;");
                    break;
                case '<':
                    escaped.Append("&lt;");
                    break;
                case '>':
                    escaped.Append("&gt;");
                    break;
                case '"':
                    escaped.Append("&quot;");
                    break;
                case '\'':
                    escaped.Append("&#39;");
                    break;
                default:
                    escaped.Append(IsAllowed(rune) ? rune.ToString() : "\ufffd");
                    break;
            }
        }
        return escaped.ToString();
    }

    private static bool IsAllowed(Rune rune) => rune.Value is '\t' or '\n' or '\r'
        || (Rune.GetUnicodeCategory(rune) != UnicodeCategory.Control && (rune.Value & 0xFFFE) != 0xFFFE && rune.Value is not (>= 0xFDD0 and <= 0xFDEF));
}
