using Maha.Layers.Core;

namespace Maha.Layers.Models;

/// <summary>A kind of leaf of a nested signal, with an input projection and positions of its own.</summary>
public sealed record LeafType
{
    /// <summary>The type's name, under which its weights are saved: letters, digits and underscores.</summary>
    public required string Name { get; init; }

    /// <summary>The number of token ids, where a leaf is a token; null where it is numbers.</summary>
    public int? VocabSize { get; init; }

    /// <summary>The numbers of a leaf, where a leaf is numbers; null where it is a token.</summary>
    public int? Channels { get; init; }

    /// <summary>The number of positions that are told apart; 0 where the type has none.</summary>
    public int MaxPositions { get; init; }

    /// <summary>Checks the type.</summary>
    /// <exception cref="ArgumentException">The name is not a name, the leaf is both or neither of token and numbers, or a size is out of range.</exception>
    public void Validate()
    {
        if (string.IsNullOrEmpty(Name) || !Name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_'))
            throw new ArgumentException($"Name must be letters, digits and underscores, but is '{Name}'.", nameof(Name));
        if (VocabSize is null == Channels is null)
            throw new ArgumentException($"A leaf must be a token (VocabSize) or numbers (Channels), but '{Name}' has {(VocabSize is null ? "neither" : "both")}. Set one of them.", nameof(Channels));
        TensorChecks.InRange(VocabSize ?? 1, 1, 1 << 24, nameof(VocabSize), "Give the number of ids of the tokenizer.");
        TensorChecks.InRange(Channels ?? 1, 1, 1 << 16, nameof(Channels), "Give the numbers of a leaf.");
        TensorChecks.InRange(MaxPositions, 0, 1 << 24, nameof(MaxPositions), "Use 0 for leaves without positions.");
    }
}
