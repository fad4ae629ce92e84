namespace Maha.MLNet.TextEncoding;

/// <summary>The parts of a document that get vectors of their own.</summary>
public enum SegmentKind
{
    /// <summary>Sentences.</summary>
    Sentence,

    /// <summary>Paragraphs: what stands between blank lines.</summary>
    Paragraph,
}
