namespace Maha.MLNet.TextEncoding;

/// <summary>The parts of a document that have their own vectors.</summary>
public enum SegmentKind
{
    /// <summary>Sentences.</summary>
    Sentence,

    /// <summary>Paragraphs, which blank lines separate.</summary>
    Paragraph,

    /// <summary>
    /// The windows of at most 254 tokens in which a pretrained encoder reads the document. They end at the end of a sentence where one ends in their second
    /// half, else between words. Requires an encoder in BERT layout.
    /// </summary>
    Window,
}
