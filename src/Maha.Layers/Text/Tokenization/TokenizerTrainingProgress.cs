namespace Maha.Layers.Text;

/// <summary>How far the training of a tokenizer has come.</summary>
/// <param name="TextsRead">Texts read so far.</param>
/// <param name="CharsRead">Characters (UTF-16 code units) counted so far.</param>
/// <param name="NumMerges">Merges learned so far; 0 while texts are read.</param>
/// <param name="MaxMerges">The most merges the options allow; training may end with fewer.</param>
public readonly record struct TokenizerTrainingProgress(long TextsRead, long CharsRead, int NumMerges, int MaxMerges);
