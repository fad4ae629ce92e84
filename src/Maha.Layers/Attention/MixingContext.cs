using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length

/// <summary>The information about a batch that all layers of a model share: its padding and its trees.</summary>
public sealed record MixingContext
{
    // The lengths of the last mask that was read, and that mask.
    private int[]? _lengths;
    private Tensor? _maskOfLengths;

    /// <summary>The context of a batch without padding.</summary>
    public static MixingContext Unpadded { get; } = new();

    /// <summary>[B, N] booleans, true = ignore this token; null where no token is padding.</summary>
    /// <remarks>The layers share what they read of the mask: make a context of its own for another mask, and don't change one in place.</remarks>
    public Tensor? KeyPaddingMask { get; init; }

    /// <summary>
    /// The tree of every document of the batch, over its valid tokens; null where no layer needs them. An element is null for a document without tokens.
    /// </summary>
    public IReadOnlyList<TokenHierarchy?>? Hierarchies { get; init; }

    /// <summary>Whether layers also compute values for inspection, such as <see cref="MixingResult.AttentionEntropy"/>.</summary>
    /// <value>False.</value>
    public bool Inspect { get; init; }

    /// <summary>Returns the documents' trees, checked against the numbers of valid tokens.</summary>
    internal IReadOnlyList<TokenHierarchy?> Trees(int[] lengths)
    {
        if (Hierarchies is null)
        {
            throw new ArgumentException(
                "Hierarchies must hold a tree for every document where Hierarchy is Document, but is null. "
                + "Build the trees from the texts, or use HierarchyKind.Blocks.",
                nameof(Hierarchies));
        }
        if (Hierarchies.Count != lengths.Length)
        {
            throw new ArgumentException(
                $"Hierarchies must hold a tree for every document, but holds {Hierarchies.Count} for {lengths.Length}.", nameof(Hierarchies));
        }
        for (int document = 0; document < lengths.Length; document++)
        {
            int tokens = Hierarchies[document]?.Length ?? 0;
            if (tokens != lengths[document])
            {
                throw new ArgumentException(
                    "A tree must have the valid tokens of its document as leaves, "
                    + $"but that of document {document} has {tokens} where {lengths[document]} are valid.",
                    nameof(Hierarchies));
            }
        }
        return Hierarchies;
    }

    /// <summary>
    /// Returns the number of valid tokens of every document. Reading the mask waits for the device, so the layers of a model share the result.
    /// </summary>
    internal int[] Lengths(long batchSize, long length)
    {
        if (KeyPaddingMask is null)
            return DocumentLengths.Read(null, batchSize, length);
        // The mask is checked against the tokens even if its lengths are known.
        DocumentLengths.Check(KeyPaddingMask, batchSize, length);
        if (_lengths is null || !ReferenceEquals(_maskOfLengths, KeyPaddingMask))
            (_lengths, _maskOfLengths) = (DocumentLengths.Read(KeyPaddingMask, batchSize, length), KeyPaddingMask);
        return _lengths;
    }

    /// <summary>Returns the same context with a tree of sentences and paragraphs for every document, built from its token ids.</summary>
    /// <param name="tokenIds">[B, N] of Int64.</param>
    /// <param name="parts">The flags of every token of the vocabulary; see <see cref="TokenParts"/>.</param>
    internal MixingContext WithTrees(Tensor tokenIds, byte[] parts)
    {
        using var scope = NewDisposeScope();
        long batch = tokenIds.shape[0], length = tokenIds.shape[1];
        int[] lengths = Lengths(batch, length);
        long[] ids = tokenIds.cpu().contiguous().data<long>().ToArray();
        return this with
        {
            Hierarchies = [.. lengths.Select((count, document) => count == 0 ? null : TokenParts.BuildTree(ids.AsSpan(document * (int)length, count), parts))],
        };
    }
}
