namespace Maha.Layers.Trees;

/// <summary>Where a sentence begins that is not the text's first.</summary>
/// <param name="Start">The position of its first character, which is no white space.</param>
/// <param name="BeginsParagraph">Whether a paragraph begins with it.</param>
public readonly record struct TextBoundary(int Start, bool BeginsParagraph);
