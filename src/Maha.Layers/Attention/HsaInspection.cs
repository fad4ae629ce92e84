using Maha.Layers.Hierarchies;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, n valid tokens of a document, D width, H heads, K head dim

/// <summary>What can be seen of hierarchical attention: its distance to flat attention, and its weights.</summary>
internal static class HsaInspection
{
    /// <summary>The most tokens that weights are shown for: 4,096^2 of float32 are 64 MB a head.</summary>
    public const int MaxTokens = 4096;

    /// <summary>The mean over each document's tokens of KL(weights || softmax), [B, H], of queries and keys [B, N, D].</summary>
    public static Tensor MeanDistances(Tensor query, Tensor key, int numHeads, IReadOnlyList<TokenHierarchy?> trees, HierarchicalForm form, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        var settings = TreeAttention.Settings(query, numHeads, form);
        var rows = new List<Tensor>();
        for (int document = 0; document < validLengths.Length; document++)
        {
            int length = validLengths[document];
            rows.Add(length == 0
                ? zeros([numHeads], query.dtype, query.device)
                : (FlatDistance.Sum(Heads(query, document, length, numHeads), Heads(key, document, length, numHeads), HierarchyLayout.Packed([trees[document]!]), settings).select(1, 0) / length).to(query.dtype));
        }
        return stack(rows, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The weights of one document, [H, N, N], of queries and keys [1, N, D].</summary>
    public static Tensor Weights(Tensor query, Tensor key, int numHeads, TokenHierarchy? tree, HierarchicalForm form, int validLength)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1], missing = length - validLength;
        if (tree is null)
            return zeros([numHeads, length, length], query.dtype, query.device).MoveToOuterDisposeScope();

        // The output for values that are the unit vectors is the weights.
        var values = eye(validLength, dtype: query.dtype, device: query.device).unsqueeze(0).expand(numHeads, -1, -1);
        var settings = TreeAttention.Settings(query, numHeads, form);
        var result = HierarchicalAttention.Apply(Heads(query, 0, validLength, numHeads), Heads(key, 0, validLength, numHeads), values, HierarchyLayout.Packed([tree]), settings);
        return nn.functional.pad(result.Output, [0, missing, 0, missing]).MoveToOuterDisposeScope();
    }

    // One document's valid tokens, [H, n, K].
    private static Tensor Heads(Tensor rows, long document, long length, int numHeads) =>
        FullAttention.SplitHeads(rows.narrow(0, document, 1).narrow(1, 0, length), numHeads).squeeze(0);
}
