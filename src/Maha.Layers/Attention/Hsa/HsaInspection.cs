using Maha.Layers.Trees;
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

    /// <summary>The mean over each document's tokens and heads of the entropy of the weights, [B], of queries and keys [B, N, D]; NaN for a document without tokens.</summary>
    /// <remarks>
    /// No weight is made. With keys for values the output of token i is sum over j of theta_ij k_j, so scale * q_i . output_i = sum over j of theta_ij s_ij; the entropy is the
    /// logarithm of the partition sum less that, in the optimal form for the sum of a tree's rows (-n phi of the root), in the key-tied ones row by row. O(N b) time.
    /// </remarks>
    public static Tensor MeanEntropies(Tensor query, Tensor key, int numHeads, IReadOnlyList<TokenHierarchy?> trees, HierarchicalForm form, int[] validLengths)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var settings = TreeAttention.Settings(query, numHeads, form);
        var means = full([validLengths.Length], double.NaN, ScalarType.Float64);
        int[] documents = [.. Enumerable.Range(0, validLengths.Length).Where(document => validLengths[document] > 0)];
        if (documents.Length == 0)
            return means.to(query.device).MoveToOuterDisposeScope();
        var queries = cat([.. documents.Select(document => Heads(query, document, validLengths[document], numHeads))], 1); // [H, T, K]
        var keys = cat([.. documents.Select(document => Heads(key, document, validLengths[document], numHeads))], 1); // [H, T, K]
        var result = HierarchicalAttention.Apply(queries, keys, keys, HierarchyLayout.Packed([.. documents.Select(document => trees[document]!)]), settings);
        var expected = (queries * result.Output).sum(-1) * settings.Scale; // [H, T]
        long start = 0;
        for (int i = 0; i < documents.Length; i++)
        {
            long length = validLengths[documents[i]];
            var partition = form == HierarchicalForm.Optimal ? -result.LogPartition.select(1, i) : result.LogPartition.narrow(1, start, length).mean([1]); // [H]
            means[documents[i]] = (partition - expected.narrow(1, start, length).mean([1])).mean().to(ScalarType.Float64).cpu();
            start += length;
        }
        return means.to(query.device).MoveToOuterDisposeScope();
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
