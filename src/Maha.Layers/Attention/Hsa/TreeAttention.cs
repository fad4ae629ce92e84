using Maha.Layers.Core;
using Maha.Layers.Trees;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, T valid tokens of all documents

/// <summary>Hierarchical attention on the operands of a mixer, [B, N, D] with heads side by side.</summary>
/// <remarks>On the processor in float32 by kernels, elsewhere by the tensor operators of <see cref="HierarchicalAttention"/>.</remarks>
internal static class TreeAttention
{
    /// <summary>Attends over trees of blocks; invalid tokens give 0 and are nobody's key.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="value">[B, N, D].</param>
    /// <param name="numHeads">H.</param>
    /// <param name="branching">The parts of a block.</param>
    /// <param name="form">Which weights share a value, and which tokens are seen.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Blocks(Tensor query, Tensor key, Tensor value, int numHeads, int branching, HierarchicalForm form, int[] validLengths)
    {
        if (!HaveKernels(query))
            return FallbackBlocks(query, key, value, numHeads, branching, form, validLengths);
        var plans = validLengths.Distinct().Where(length => length > 0).ToDictionary(length => length, length => TokenHierarchy.Blocks(length, branching).Plan);
        return TreeAttentionFunction.Apply(query, key, value, [.. validLengths.Select(plans.GetValueOrDefault)], numHeads, form);
    }

    /// <summary>The same by tensor operators, for every device and type; also the kernels' twin in the tests.</summary>
    internal static Tensor FallbackBlocks(Tensor query, Tensor key, Tensor value, int numHeads, int branching, HierarchicalForm form, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1];
        var ignored = validLengths.Any(n => n < length)
            ? TokenMasks.Invalid(validLengths, length, query.device).repeat_interleave(numHeads, 0) // [B * H, N]
            : null;
        var layout = HierarchyLayout.Blocks((int)length, branching);
        var attended = HierarchicalAttention.Apply(Heads(query), Heads(key), Heads(value), layout, Settings(query, numHeads, form), ignored).Output; // [B * H, N, K]
        return attended.unflatten(0, batch, numHeads).transpose(1, 2).flatten(2).MoveToOuterDisposeScope();

        Tensor Heads(Tensor tokens) => FullAttention.SplitHeads(tokens, numHeads).flatten(0, 1);
    }

    /// <summary>Attends over the documents' own trees; invalid tokens give 0 and are nobody's key.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="value">[B, N, D].</param>
    /// <param name="numHeads">H.</param>
    /// <param name="documents">A tree a document, over its valid tokens; anything for a document without any.</param>
    /// <param name="form">Which weights share a value, and which tokens are seen.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Documents(
        Tensor query, Tensor key, Tensor value, int numHeads, IReadOnlyList<TokenHierarchy?> documents, HierarchicalForm form, int[] validLengths) =>
        HaveKernels(query)
            ? TreeAttentionFunction.Apply(query, key, value, [.. documents.Select(tree => tree?.Plan)], numHeads, form)
            : FallbackDocuments(query, key, value, numHeads, documents, form, validLengths);

    /// <summary>The same by tensor operators, for every device and type; also the kernels' twin in the tests.</summary>
    internal static Tensor FallbackDocuments(
        Tensor query, Tensor key, Tensor value, int numHeads, IReadOnlyList<TokenHierarchy?> documents, HierarchicalForm form, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1];
        var trees = documents.Where((_, document) => validLengths[document] > 0).Select(tree => tree!).ToList();
        if (trees.Count == 0)
            return zeros_like(value).MoveToOuterDisposeScope();
        var (sources, places) = Packing(validLengths, length);
        var source = tensor(sources, device: query.device);
        var layout = HierarchyLayout.Packed(trees);
        var attended = HierarchicalAttention.Apply(Heads(query), Heads(key), Heads(value), layout, Settings(query, numHeads, form)).Output; // [H, T, K]
        var tokens = attended.transpose(0, 1).flatten(1); // [T, D]
        var padded = nn.functional.pad(tokens, [0, 0, 0, 1]); // a row of zeros for what is not valid
        return padded.index_select(0, tensor(places, device: query.device)).unflatten(0, batch, length).MoveToOuterDisposeScope();

        Tensor Heads(Tensor rows) => rows.flatten(0, 1).index_select(0, source).unflatten(1, numHeads, rows.shape[2] / numHeads).transpose(0, 1);
    }

    /// <summary>The settings of a mixer: logits q.k / sqrt(K), a token sees itself.</summary>
    internal static HierarchicalSettings Settings(Tensor query, int numHeads, HierarchicalForm form) => new(form, 1 / Math.Sqrt(query.shape[2] / numHeads));

    private static bool HaveKernels(Tensor operand) => operand.device_type == DeviceType.CPU && operand.dtype == ScalarType.Float32;

    // Where valid tokens come from in [B * N], and where each of the B * N goes: to T where it is not valid.
    private static (long[] Sources, long[] Places) Packing(int[] validLengths, long length)
    {
        var sources = new List<long>();
        long[] places = new long[validLengths.Length * length];
        Array.Fill(places, validLengths.Sum());
        for (int document = 0; document < validLengths.Length; document++)
        {
            for (int token = 0; token < validLengths[document]; token++)
            {
                long source = (document * length) + token;
                places[source] = sources.Count;
                sources.Add(source);
            }
        }
        return ([.. sources], places);
    }
}
