using Maha.Layers.Core;
using Maha.Layers.Kernels;
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
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or padding is before a token.</exception>
    public override MixingResult forward(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _queryProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        int[] lengths = context.Lengths(hidden.shape[0], hidden.shape[1]);
        var projected = LinearFunction.ApplyAll(hidden, _queryProjection, _keyProjection, _valueProjection);
        var (query, key, value) = (projected[0], projected[1], projected[2]); // [B, N, D]
        if (_options.Positions == PositionKind.Rotary)
        {
            query = RotaryPositions.Rotate(query, _options.NumHeads, cell: 1);
            key = RotaryPositions.Rotate(key, _options.NumHeads, cell: 1);
        }
        var attended = FullAttention.Apply(query, key, value, _options.NumHeads, lengths, _options.IsCausal); // [B, N, D]
        var output = TokenMasks.Clear(LinearFunction.Apply(_outputProjection, attended), lengths);
        return new MixingResult(output, zeros(Array.Empty<long>(), output.dtype, output.device))
        {
            AttentionEntropy = context.Inspect ? AttentionEntropy.Mean(query, key, Plan(hidden), lengths).unsqueeze(1) : null,
        }.MoveToOuterDisposeScope();
    }

    // One window over the whole document.
    private WindowPlan Plan(Tensor hidden) =>
        new((int)hidden.shape[0], (int)hidden.shape[1], _options.NumHeads, _options.DModel / _options.NumHeads, Window: 0, _options.IsCausal);
}
