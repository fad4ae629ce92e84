using Maha.Layers.Core;

namespace Maha.Layers.Models;

/// <summary>A type of leaf of a nested signal, with its own input projection and its own positions.</summary>
public sealed record LeafType
{
    /// <summary>The name of the type, under which its weights are saved.</summary>
    /// <value>Letters, digits and underscores.</value>
    public required string Name { get; init; }

    /// <summary>The number of token ids, for leaves that are tokens.</summary>
    /// <value>From 1 to 16,777,216; null for leaves that are numbers.</value>
    public int? VocabSize { get; init; }

    /// <summary>The count of numbers per leaf, for leaves that are numbers.</summary>
    /// <value>From 1 to 65,536; null for leaves that are tokens.</value>
    public int? Channels { get; init; }

    /// <summary>The number of positions that have an embedding.</summary>
    /// <value>0: the type has no positions. From 0 to 16,777,216.</value>
    public int MaxPositions { get; init; }

    /// <summary>Checks the type.</summary>
    /// <exception cref="ArgumentException">
    /// The name is empty or has other characters, neither or both of <see cref="VocabSize"/> and <see cref="Channels"/> are set, or a size is out of range.
    /// </exception>
    public void Validate()
    {
        if (string.IsNullOrEmpty(Name) || !Name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_'))
            throw new ArgumentException($"Name must be letters, digits and underscores, but is '{Name}'.", nameof(Name));
        if (VocabSize is null == Channels is null)
        {
            throw new ArgumentException(
                $"A leaf must be a token (VocabSize) or numbers (Channels), but '{Name}' has {(VocabSize is null ? "neither" : "both")}. Set one of them.",
                nameof(Channels));
        }
        TensorChecks.InRange(VocabSize ?? 1, 1, 1 << 24, nameof(VocabSize), "Give the number of ids of the tokenizer.");
        TensorChecks.InRange(Channels ?? 1, 1, 1 << 16, nameof(Channels), "Give the count of numbers per leaf.");
        TensorChecks.InRange(MaxPositions, 0, 1 << 24, nameof(MaxPositions), "Use 0 for leaves without positions.");
    }
}
