using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads

/// <summary>Standard multi-head attention, the baseline of all other mixers.</summary>
/// <remarks>
/// The output is W_O concat over heads of softmax(W_Q x (W_K x)^T / sqrt(K)) W_V x, exact, over the valid tokens. Cost: 4 * N^2 * D + 8 * N * D^2; memory O(N
/// * D).
/// </remarks>
internal sealed partial class FullMixer : TokenMixer
{
    // Weights are a number for every pair of tokens.
    private const int MaxInspectedTokens = 4096;

    [ComponentName(Name = "q_proj")] private readonly Linear _queryProjection;
    [ComponentName(Name = "k_proj")] private readonly Linear _keyProjection;
    [ComponentName(Name = "v_proj")] private readonly Linear _valueProjection;
    [ComponentName(Name = "out_proj")] private readonly Linear _outputProjection;
    private readonly MahaBlockOptions _options;

    /// <summary>Builds the projections.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    public FullMixer(MahaBlockOptions options)
        : base(nameof(FullMixer))
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validated<FullOptions>();
        _options = options;
        (_queryProjection, _keyProjection, _valueProjection, _outputProjection) = AttentionHeads.CreateProjections(options.DModel);
        RegisterComponents();
    }

    /// <inheritdoc/>
    internal override IEnumerable<Tensor> OutputFactors => _outputProjection.parameters();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or padding is before a token.</exception>
    public override MixingResult forward(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        int[] lengths = context.Lengths(hidden.shape[0], hidden.shape[1]);
        var padding = TokenMasks.Padding(lengths, hidden.shape[1], hidden.device); // [B, N]
        // A masked key has the weight 0, but 0 * NaN is NaN: nothing that padding holds may reach a product.
        var (query, key, value) = Project(TokenMasks.Clear(hidden, padding)); // [B, N, D]
        var attended = FullAttention.Apply(query, key, value, _options.NumHeads, lengths, padding, _options.IsCausal); // [B, N, D]
        var output = TokenMasks.Clear(LinearFunction.Apply(_outputProjection, attended), padding);
        return new MixingResult(output, zeros(Array.Empty<long>(), output.dtype, output.device))
        {
            AttentionEntropy = context.Inspect ? AttentionEntropy.Mean(query, key, Plan(hidden), lengths).unsqueeze(1) : null,
        }.MoveToOuterDisposeScope();
    }

    /// <summary>Computes the attention weights of one document, for inspection.</summary>
    /// <param name="hidden">[1, N, D].</param>
    /// <param name="context">The padding mask and other inputs that the layers share.</param>
    /// <returns>[H, N, N], without gradient: row i the weights of token i; 0 at padding. Memory O(N^2).</returns>
    /// <exception cref="ArgumentException">As for <see cref="forward"/>, or there are several documents or more than 4,096 tokens.</exception>
    public override Tensor AttentionWeights(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        if (hidden.shape[0] != 1 || hidden.shape[1] > MaxInspectedTokens)
        {
            throw new ArgumentException(
                $"hidden must be one document of at most {MaxInspectedTokens} tokens, whose weights are a number for every pair, " +
                $"but has the shape {TensorChecks.Show(hidden.shape)}.",
                nameof(hidden));
        }
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        int[] lengths = context.Lengths(1, hidden.shape[1]);
        var padding = TokenMasks.Padding(lengths, hidden.shape[1], hidden.device); // [1, N]
        var (query, key, _) = Project(TokenMasks.Clear(hidden, padding));
        return TokenMasks.Clear(AttentionEntropy.Weights(query, key, Plan(hidden), lengths).squeeze(0), padding).MoveToOuterDisposeScope();
    }

    private (Tensor Query, Tensor Key, Tensor Value) Project(Tensor hidden)
    {
        var parts = AttentionHeads.Project(
            hidden, (_queryProjection, _keyProjection, _valueProjection), _options.NumHeads, _options.Positions, isPacked: hidden.device_type == DeviceType.CUDA);
        if (parts.Length == 1)
            parts = parts[0].chunk(3, 2);
        return (parts[0], parts[1], parts[2]);
    }

    // One window over the whole document.
    private WindowPlan Plan(Tensor hidden) =>
        new((int)hidden.shape[0], (int)hidden.shape[1], _options.NumHeads, _options.DModel / _options.NumHeads, Window: 0, _options.IsCausal);
}
