using Maha.Layers.Core;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, b branching

/// <summary>Hierarchical self-attention (HSA) with the projections of a standard attention layer.</summary>
/// <remarks>
/// <para>The output is W_O concat over heads of A_h W_V x. The weights A_h are constant between any two sibling nodes of a tree over the tokens, and among
/// such weights nearest to softmax(W_Q x (W_K x)^T / sqrt(K)) in the sum of KL(A_h || softmax) over the rows (Amizadeh et al., 2025, theorem 3.2). The tree is
/// one of blocks, or the document's own.</para>
/// <para><see cref="AttentionKind.HsaCausal"/> ties the keys only and sees siblings to the left: each row is the nearest to causal softmax among rows constant
/// on those siblings, and no output depends on a later token.</para>
/// <para>The parameters have the names and shapes of standard multi-head attention. Rotary positions rotate queries and keys before they are averaged. Padding
/// must be on the right and does not change the output.</para>
/// <para>Cost: 8 * N * D^2 for the projections and 4 * N * D * b * (1 + 1/b + ...) for the attention, times the number of levels if causal. Memory
/// O(N * (D + H * b)).</para>
/// </remarks>
internal sealed partial class HsaMixer : TokenMixer
{
    [ComponentName(Name = "q_proj")] private readonly Linear _queryProjection;
    [ComponentName(Name = "k_proj")] private readonly Linear _keyProjection;
    [ComponentName(Name = "v_proj")] private readonly Linear _valueProjection;
    [ComponentName(Name = "out_proj")] private readonly Linear _outputProjection;
    private readonly MahaBlockOptions _options;
    private readonly HsaOptions _hsa;

    /// <summary>Builds the projections.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <exception cref="ArgumentException">The options are not valid, or ask for another kind of attention.</exception>
    public HsaMixer(MahaBlockOptions options)
        : base(nameof(HsaMixer))
    {
        ArgumentNullException.ThrowIfNull(options);
        _hsa = options.Validated<HsaOptions>();
        _options = options;
        (_queryProjection, _keyProjection, _valueProjection, _outputProjection) = AttentionHeads.CreateProjections(options.DModel);
        RegisterComponents();
    }

    /// <inheritdoc/>
    internal override IEnumerable<Tensor> OutputFactors => _outputProjection.parameters();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// The input has another rank, width, element type or device, padding is before a token, or the context lacks the documents' trees or has trees of another
    /// length. </exception>
    public override MixingResult forward(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        int[] lengths = context.Lengths(hidden.shape[0], hidden.shape[1]);
        var operands = Project(hidden, 0);
        var attended = _hsa.Hierarchy == HierarchyKind.Document
            ? TreeAttention.Documents(operands, _options.NumHeads, context.Trees(lengths), Form, lengths)
            : TreeAttention.Blocks(operands, _options.NumHeads, _hsa.Branching, Form, lengths);
        // The mask is that of the lengths: it pads on the right only.
        var projected = LinearFunction.Apply(_outputProjection, attended);
        var output = lengths.Any(valid => valid < hidden.shape[1]) ? TokenMasks.Clear(projected, context.KeyPaddingMask) : projected;
        return new MixingResult(output, zeros(Array.Empty<long>(), output.dtype, output.device))
        {
            AttentionEntropy = context.Inspect
                ? HsaInspection.MeanEntropies(operands.Query, operands.Key, _options.NumHeads, Trees(context, lengths), Form, lengths).unsqueeze(1)
                : null,
        }.MoveToOuterDisposeScope();
    }

    /// <summary>Computes the distance of each head's attention from softmax attention of the same queries and keys.</summary>
    /// <param name="hidden">[B, N, D].</param>
    /// <param name="context">The padding mask and other inputs that the layers share.</param>
    /// <returns>[B, H]: the mean over the document's tokens of KL(weights || softmax), in nats; 0 for a document without tokens.</returns>
    /// <remarks>Time O(N^2) for the sums of the softmax, memory O(N).</remarks>
    /// <exception cref="ArgumentException">As for <see cref="forward"/>.</exception>
    public Tensor DistanceToFlat(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int[] lengths = context.Lengths(hidden.shape[0], hidden.shape[1]);
        var operands = Project(hidden, 0);
        return HsaInspection.MeanDistances(operands.Query, operands.Key, _options.NumHeads, Trees(context, lengths), Form, lengths).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the attention weights of one document, for inspection.</summary>
    /// <param name="hidden">[1, N, D].</param>
    /// <param name="context">The padding mask and other inputs that the layers share.</param>
    /// <returns>[H, N, N], row i the weights of token i; 0 at padding. Memory O(N^2).</returns>
    /// <exception cref="ArgumentException">As for <see cref="forward"/>, or there are several documents or more than 4,096 tokens.</exception>
    public override Tensor AttentionWeights(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        if (hidden.shape[0] != 1 || hidden.shape[1] > HsaInspection.MaxTokens)
        {
            throw new ArgumentException(
                $"hidden must be one document of at most {HsaInspection.MaxTokens} tokens, whose weights are a number for every pair, " +
                $"but has the shape {TensorChecks.Show(hidden.shape)}.",
                nameof(hidden));
        }
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int[] lengths = context.Lengths(1, hidden.shape[1]);
        var operands = Project(hidden, 0);
        return HsaInspection.Weights(operands.Query, operands.Key, _options.NumHeads, Trees(context, lengths)[0], Form, lengths[0]).MoveToOuterDisposeScope();
    }

    private HierarchicalForm Form => !_hsa.IsCausalIn(_options)
        ? HierarchicalForm.Optimal
        : _hsa.Overlap ? HierarchicalForm.CausalOverlap : HierarchicalForm.Causal;

    private IReadOnlyList<TokenHierarchy?> Trees(MixingContext context, int[] lengths) => _hsa.Hierarchy == HierarchyKind.Document
        ? context.Trees(lengths)
        : [.. lengths.Select(length => length > 0 ? TokenHierarchy.Blocks(length, _hsa.Branching) : null)];

    // Queries and keys are rotated before any averaging.
    private TreeOperands Project(Tensor hidden, long start) => new(AttentionHeads.Project(
        hidden, (_queryProjection, _keyProjection, _valueProjection), _options.NumHeads, _options.Positions,
        isPacked: TreeAttention.PrefersPacked(hidden, _options.NumHeads), start));
}
