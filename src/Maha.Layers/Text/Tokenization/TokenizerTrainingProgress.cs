namespace Maha.Layers.Text;

/// <summary>The progress of training a tokenizer.</summary>
/// <param name="TextsRead">The number of texts read so far.</param>
/// <param name="CharsRead">The number of characters (UTF-16 code units) counted so far.</param>
/// <param name="NumMerges">The number of merges learned so far; 0 while texts are read.</param>
/// <param name="MaxMerges">The most merges that the options allow. Training may end with fewer.</param>
public readonly record struct TokenizerTrainingProgress(long TextsRead, long CharsRead, int NumMerges, int MaxMerges);
