namespace Maha.Layers.Trees;

/// <summary>The beginning of a sentence that is not the first of the text.</summary>
/// <param name="Start">The position of its first character, which is not white space.</param>
/// <param name="BeginsParagraph">Whether the sentence begins a paragraph.</param>
internal readonly record struct TextBoundary(int Start, bool BeginsParagraph);
