namespace Maha.Layers.Text;

/// <summary>Two neighboring token ids.</summary>
internal readonly record struct TokenPair(int Left, int Right);
