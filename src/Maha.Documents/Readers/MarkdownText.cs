using Markdig;

namespace Maha.Documents.Readers;

/// <summary>Reads the text of a Markdown document.</summary>
internal static class MarkdownText
{
    // CommonMark with the extensions that change what is text. Others, such as formulas and citations, keep their source.
    private static readonly MarkdownPipeline s_pipeline = new MarkdownPipelineBuilder()
        .UsePipeTables().UseEmphasisExtras().UseAutoLinks().UseTaskLists().UseFootnotes().UseYamlFrontMatter().Build();

    /// <summary>Returns the text without markup; HTML in it is read as in an HTML document, and front matter is left out.</summary>
    /// <exception cref="ArgumentException">Elements are nested too deep.</exception>
    public static string Read(string markdown)
        // The arrow back from a footnote.
        => HtmlText.Read(Markdown.ToHtml(markdown, s_pipeline).Replace("&#8617;", "", StringComparison.Ordinal));
}
