using AngleSharp.Html;
using AngleSharp.Html.Parser;
using AngleSharp.Html.Parser.Tokens;
using AngleSharp.Text;

namespace Maha.Documents.Readers;

/// <summary>Reads the readable text of an HTML document.</summary>
/// <remarks>
/// The tokens of the document are read, not its tree: a tree costs time that grows with the square of the depth, and depth is unlimited in hostile documents.
/// </remarks>
internal sealed class HtmlText
{
    // What a reader of the page does not read as its text. Header, footer and aside are kept: they often have titles, authors and remarks.
    private static readonly HashSet<string> s_ignored =
    [
        "head", "script", "style", "noscript", "template", "nav", "svg", "math", "iframe", "noframes", "noembed", "object", "audio", "video", "canvas",
        "select", "datalist", "button", "textarea", "title",
    ];

    private static readonly HashSet<string> s_raw = ["style", "xmp", "iframe", "noembed", "noframes", "noscript"];

    private static readonly HashSet<string> s_void =
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

    private static readonly HashSet<string> s_paragraphs =
    [
        "p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "ul", "ol", "dl", "table", "article", "section", "header", "footer", "aside", "main",
        "figure", "hr", "form", "fieldset", "details", "address",
    ];

    private static readonly HashSet<string> s_lines =
    [
        "html", "body", "div", "li", "dt", "dd", "tr", "caption", "figcaption", "summary", "legend", "option", "br", "title", "thead", "tbody", "tfoot",
        "center",
    ];

    private readonly HtmlTokenizer _tokenizer;
    private readonly ReadableText _text = new();
    private readonly ReadableText _title = new();
    private readonly Stack<string> _open = [];
    private readonly Dictionary<string, int> _openCounts = [];
    private int _ignored;
    private int _preformatted;
    private bool _isTitle;
    private bool _hasTitle;

    private HtmlText(string html) => _tokenizer = new HtmlTokenizer(new TextSource(html), HtmlEntityProvider.Resolver) { SkipComments = true };

    /// <summary>
    /// Returns the title and the text: paragraphs are separated by an empty line, white space is collapsed outside preformatted text, images are their
    /// alternative text, and cells of a table are separated by a tab.
    /// </summary>
    public static string Read(string html)
    {
        var reader = new HtmlText(html);
        using (reader._tokenizer)
        {
            reader.ReadTokens();
        }
        string title = reader._title.ToString(), text = reader._text.ToString();
        // Most pages repeat their title as the first heading.
        if (title.Length == 0 || text == title || text.StartsWith(title + "\n", StringComparison.Ordinal))
            return text;
        return text.Length == 0 ? title : $"{title}\n\n{text}";
    }

    private void ReadTokens()
    {
        while (true)
        {
            var token = _tokenizer.Get();
            switch (token.Type)
            {
                case HtmlTokenType.EndOfFile:
                    return;
                case HtmlTokenType.Character:
                    Add(token.Data);
                    break;
                case HtmlTokenType.StartTag:
                    Start((HtmlTagToken)token);
                    break;
                case HtmlTokenType.EndTag:
                    End(token.Name);
                    break;
            }
        }
    }

    private void Add(string data)
    {
        if (_isTitle)
            _title.Add(data, isPreformatted: false);
        else if (_ignored == 0)
            _text.Add(data, _preformatted > 0);
    }

    private void Start(HtmlTagToken tag)
    {
        string name = tag.Name;
        // The tree of the page would end the head here.
        if (name == "body")
            End("head");
        Break(name);
        if (name == "img" && _ignored == 0 && tag.GetAttribute("alt") is { Length: > 0 } alternative)
            _text.Add(alternative, isPreformatted: false);
        // A closed start tag is open in HTML, but empty in SVG and MathML, which are ignored, and in XHTML, which writes <p/> for an empty element.
        if (tag.IsSelfClosing || s_void.Contains(name))
            return;
        _open.Push(name);
        _openCounts[name] = _openCounts.GetValueOrDefault(name) + 1;
        if (s_ignored.Contains(name))
            _ignored++;
        if (name == "pre")
            _preformatted++;
        if (name == "title" && !_hasTitle && !_openCounts.TryGetValue("svg", out int inImage))
            (_isTitle, _hasTitle) = (true, true);
        if (name == "script")
            _tokenizer.State = HtmlParseMode.Script;
        else if (name is "title" or "textarea")
            _tokenizer.State = HtmlParseMode.RCData;
        else if (s_raw.Contains(name))
            _tokenizer.State = HtmlParseMode.Rawtext;
    }

    // An end tag also ends what is open inside. One of nothing that is open is passed over, so that the cost of all of them is linear.
    private void End(string name)
    {
        Break(name);
        if (_openCounts.GetValueOrDefault(name) == 0)
            return;
        string closed;
        do
        {
            closed = _open.Pop();
            _openCounts[closed]--;
            if (s_ignored.Contains(closed))
                _ignored--;
            if (closed == "pre")
                _preformatted--;
            if (closed == "title")
                _isTitle = false;
        } while (closed != name);
    }

    private void Break(string name)
    {
        if (_ignored > 0)
            return;
        if (s_paragraphs.Contains(name))
            _text.EndParagraph();
        else if (s_lines.Contains(name))
            _text.EndLine();
        else if (name is "td" or "th")
            _text.EndCell();
    }
}
