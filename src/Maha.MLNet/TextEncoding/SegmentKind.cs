namespace Maha.MLNet.TextEncoding;

/// <summary>The parts of a document that have their own vectors.</summary>
public enum SegmentKind
{
    /// <summary>Sentences.</summary>
    Sentence,

    /// <summary>Paragraphs, which blank lines separate.</summary>
    Paragraph,
}
