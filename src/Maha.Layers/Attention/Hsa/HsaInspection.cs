using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, n valid tokens of a document, D width, H heads, K head dim

/// <summary>Measurements of hierarchical attention: its distance to flat attention, its entropy and its weights.</summary>
internal static class HsaInspection
{
    /// <summary>The most tokens for which weights are returned: 4,096^2 of float32 are 64 MB per head.</summary>
    public const int MaxTokens = 4096;

    /// <summary>The mean over each document's tokens of KL(weights || softmax), [B, H], of queries and keys [B, N, D].</summary>
    public static Tensor MeanDistances(
        Tensor query, Tensor key, int numHeads, IReadOnlyList<TokenHierarchy?> trees, HierarchicalForm form, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        var settings = TreeAttention.Settings(query, numHeads, form);
        var rows = new List<Tensor>();
        for (int document = 0; document < validLengths.Length; document++)
        {
            int length = validLengths[document];
            if (length == 0)
            {
                rows.Add(zeros([numHeads], query.dtype, query.device));
                continue;
            }
            var (queries, keys) = (Heads(query, document, length, numHeads), Heads(key, document, length, numHeads)); // [H, n, K]
            var sum = FlatDistance.Sum(queries, keys, HierarchyLayout.Packed([trees[document]!]), settings).select(1, 0); // [H]
            rows.Add((sum / length).to(query.dtype));
        }
        return stack(rows, 0).MoveToOuterDisposeScope();
    }

    /// <summary>The mean over each document's tokens and heads of the entropy of the weights, [B], of queries and keys [B, N, D].</summary>
    /// <remarks>
    /// NaN for a document without tokens. No attention weights are computed. With the keys as values, the output of token i is sum over j of theta_ij k_j, so
    /// scale * q_i . output_i = sum over j of theta_ij s_ij. The entropy is the logarithm of the partition sum minus that: in the optimal form for the sum of a
    /// tree's rows (-n phi of the root), in the key-tied forms row by row. Time O(N b).
    /// </remarks>
    public static Tensor MeanEntropies(
        Tensor query, Tensor key, int numHeads, IReadOnlyList<TokenHierarchy?> trees, HierarchicalForm form, int[] validLengths)
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
        var layout = HierarchyLayout.Packed([.. documents.Select(document => trees[document]!)]);
        var result = HierarchicalAttention.Apply(queries, keys, keys, layout, settings);
        var expected = (queries * result.Output).sum(-1) * settings.Scale; // [H, T]
        long start = 0;
        for (int i = 0; i < documents.Length; i++)
        {
            long length = validLengths[documents[i]];
            var partition = form == HierarchicalForm.Optimal
                ? -result.LogPartition.select(1, i)
                : result.LogPartition.narrow(1, start, length).mean([1]); // [H]
            means[documents[i]] = (partition - expected.narrow(1, start, length).mean([1])).mean().to(ScalarType.Float64).cpu();
            start += length;
        }
        return means.to(query.device).MoveToOuterDisposeScope();
    }

    /// <summary>The attention weights of one document, [H, N, N], of queries and keys [1, N, D].</summary>
    public static Tensor Weights(Tensor query, Tensor key, int numHeads, TokenHierarchy? tree, HierarchicalForm form, int validLength)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1], missing = length - validLength;
        if (tree is null)
            return zeros([numHeads, length, length], query.dtype, query.device).MoveToOuterDisposeScope();

        // With the unit vectors as values, the output is the weights.
        var values = eye(validLength, dtype: query.dtype, device: query.device).unsqueeze(0).expand(numHeads, -1, -1);
        var settings = TreeAttention.Settings(query, numHeads, form);
        var (queries, keys) = (Heads(query, 0, validLength, numHeads), Heads(key, 0, validLength, numHeads)); // [H, n, K]
        var result = HierarchicalAttention.Apply(queries, keys, values, HierarchyLayout.Packed([tree]), settings);
        return nn.functional.pad(result.Output, [0, missing, 0, missing]).MoveToOuterDisposeScope();
    }

    // One document's valid tokens, [H, n, K].
    private static Tensor Heads(Tensor rows, long document, long length, int numHeads) =>
        AttentionHeads.Split(rows.narrow(0, document, 1).narrow(1, 0, length), numHeads).squeeze(0);
}
