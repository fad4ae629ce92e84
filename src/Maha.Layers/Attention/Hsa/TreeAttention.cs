using Maha.Layers.Core;
using Maha.Layers.Trees;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, T valid tokens of all documents

/// <summary>Hierarchical attention on the operands of a mixer, [B, N, D] with heads side by side.</summary>
/// <remarks>
/// Runs in kernels on the CPU in float32, in those of <see cref="CudaTreeAttention"/> on CUDA devices in float32 and bfloat16 for heads of width 32, 64 or 128,
/// and by the tensor operators of <see cref="HierarchicalAttention"/> otherwise.
/// </remarks>
internal static class TreeAttention
{
    /// <summary>Computes attention over trees of blocks. Invalid tokens are masked, and their output is 0.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="value">[B, N, D].</param>
    /// <param name="numHeads">H.</param>
    /// <param name="branching">b, the number of parts of a block.</param>
    /// <param name="form">Which weights are equal, and which tokens are seen.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Blocks(Tensor query, Tensor key, Tensor value, int numHeads, int branching, HierarchicalForm form, int[] validLengths) =>
        Blocks(new TreeOperands(query, key, value), numHeads, branching, form, validLengths);

    /// <summary>Computes the same from operands that may lie in one tensor.</summary>
    public static Tensor Blocks(TreeOperands operands, int numHeads, int branching, HierarchicalForm form, int[] validLengths)
    {
        var first = operands.First;
        if (KernelsFor(operands, numHeads) is { } kernels)
        {
            var forest = CudaForest.Blocks(validLengths, branching, (int)first.shape[1], form, first.device);
            return CudaTreeFunction.Apply(operands, new CudaTreeAttention(kernels, forest, numHeads, Settings(operands, numHeads, form)));
        }
        using var scope = NewDisposeScope();
        return BlocksOf(operands.Query, operands.Key, operands.Value, numHeads, branching, form, validLengths).MoveToOuterDisposeScope();
    }

    private static Tensor BlocksOf(Tensor query, Tensor key, Tensor value, int numHeads, int branching, HierarchicalForm form, int[] validLengths)
    {
        if (!HaveKernels(query))
            return FallbackBlocks(query, key, value, numHeads, branching, form, validLengths);
        var plans = validLengths.Distinct().Where(length => length > 0)
            .ToDictionary(length => length, length => TokenHierarchy.Blocks(length, branching).Plan);
        return TreeAttentionFunction.Apply(query, key, value, [.. validLengths.Select(plans.GetValueOrDefault)], numHeads, form);
    }

    /// <summary>Computes the same by tensor operators, on every device and in every element type. The tests compare the kernels with it.</summary>
    internal static Tensor FallbackBlocks(
        Tensor query, Tensor key, Tensor value, int numHeads, int branching, HierarchicalForm form, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        long length = query.shape[1];
        var ignored = validLengths.Any(n => n < length)
            ? TokenMasks.Invalid(validLengths, length, query.device).repeat_interleave(numHeads, 0) // [B * H, N]
            : null;
        var layout = HierarchyLayout.Blocks((int)length, branching);
        var settings = Settings(query, numHeads, form);
        var attended = HierarchicalAttention.Apply(Heads(query), Heads(key), Heads(value), layout, settings, ignored).Output; // [B * H, N, K]
        return AttentionHeads.MergeFlat(attended, numHeads).MoveToOuterDisposeScope();

        Tensor Heads(Tensor tokens) => AttentionHeads.SplitFlat(tokens, numHeads);
    }

    /// <summary>Computes attention over the documents' own trees. Invalid tokens are masked, and their output is 0.</summary>
    /// <param name="query">[B, N, D].</param>
    /// <param name="key">[B, N, D].</param>
    /// <param name="value">[B, N, D].</param>
    /// <param name="numHeads">H.</param>
    /// <param name="documents">One tree per document, over its valid tokens; null for a document without tokens.</param>
    /// <param name="form">Which weights are equal, and which tokens are seen.</param>
    /// <param name="validLengths">Valid tokens per document.</param>
    /// <returns>[B, N, D].</returns>
    public static Tensor Documents(
        Tensor query, Tensor key, Tensor value, int numHeads, IReadOnlyList<TokenHierarchy?> documents, HierarchicalForm form, int[] validLengths) =>
        Documents(new TreeOperands(query, key, value), numHeads, documents, form, validLengths);

    /// <summary>Computes the same from operands that may lie in one tensor.</summary>
    public static Tensor Documents(
        TreeOperands operands, int numHeads, IReadOnlyList<TokenHierarchy?> documents, HierarchicalForm form, int[] validLengths)
    {
        var first = operands.First;
        if (KernelsFor(operands, numHeads) is { } kernels)
        {
            var forest = CudaForest.Documents(documents, (int)first.shape[1], form, first.device);
            return CudaTreeFunction.Apply(operands, new CudaTreeAttention(kernels, forest, numHeads, Settings(operands, numHeads, form)));
        }
        using var scope = NewDisposeScope();
        var (query, key, value) = (operands.Query, operands.Key, operands.Value);
        var attended = HaveKernels(query)
            ? TreeAttentionFunction.Apply(query, key, value, [.. documents.Select(tree => tree?.Plan)], numHeads, form)
            : FallbackDocuments(query, key, value, numHeads, documents, form, validLengths);
        return attended.MoveToOuterDisposeScope();
    }

    /// <summary>Whether kernels take the operands in one tensor, for tokens like these.</summary>
    public static bool PrefersPacked(Tensor hidden, int numHeads) => TreeKernels.For(hidden, (int)hidden.shape[2] / numHeads) is not null;

    /// <summary>Computes the same by tensor operators, on every device and in every element type. The tests compare the kernels with it.</summary>
    internal static Tensor FallbackDocuments(
        Tensor query, Tensor key, Tensor value, int numHeads, IReadOnlyList<TokenHierarchy?> documents, HierarchicalForm form, int[] validLengths)
    {
        using var scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1];
        var trees = documents.Where((_, document) => validLengths[document] > 0).Select(tree => tree!).ToList();
        if (trees.Count == 0)
            return zeros_like(value).MoveToOuterDisposeScope();
        var (sources, places) = PackedRows(validLengths, length);
        var source = tensor(sources, device: query.device);
        var layout = HierarchyLayout.Packed(trees);
        var attended = HierarchicalAttention.Apply(Heads(query), Heads(key), Heads(value), layout, Settings(query, numHeads, form)).Output; // [H, T, K]
        var tokens = attended.transpose(0, 1).flatten(1); // [T, D]
        var padded = nn.functional.pad(tokens, [0, 0, 0, 1]); // a row of zeros for invalid tokens
        return padded.index_select(0, tensor(places, device: query.device)).unflatten(0, batch, length).MoveToOuterDisposeScope();

        Tensor Heads(Tensor rows) => rows.flatten(0, 1).index_select(0, source).unflatten(1, numHeads, rows.shape[2] / numHeads).transpose(0, 1);
    }

    /// <summary>The settings of a mixer: logits q.k / sqrt(K), and a token sees itself.</summary>
    internal static HierarchicalSettings Settings(Tensor query, int numHeads, HierarchicalForm form) =>
        new(form, 1 / Math.Sqrt(query.shape[2] / numHeads));

    private static HierarchicalSettings Settings(TreeOperands operands, int numHeads, HierarchicalForm form) =>
        new(form, 1 / Math.Sqrt(operands.Width / numHeads));

    private static TreeKernels? KernelsFor(TreeOperands operands, int numHeads) => TreeKernels.For(operands.First, (int)operands.Width / numHeads);

    private static bool HaveKernels(Tensor operand) => operand.device_type == DeviceType.CPU && operand.dtype == ScalarType.Float32;

    // The rows of the valid tokens in [B * N], and the packed row of each of the B * N; T for invalid tokens.
    private static (long[] Sources, long[] Places) PackedRows(int[] validLengths, long length)
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
