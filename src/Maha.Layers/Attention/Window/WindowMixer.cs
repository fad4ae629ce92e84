using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim, w window, g global tokens

/// <summary>Sliding-window attention with global tokens, as in Longformer (Beltagy et al. 2020).</summary>
/// <remarks>
/// A token attends to the tokens at most w away and to the first g tokens. The first g attend to all. Both kinds of attention use the same projections.
/// Cost: O(N * (D^2 + (w + g) * D)); memory O(N * D).
/// </remarks>
internal sealed partial class WindowMixer : TokenMixer
{
    [ComponentName(Name = "qk_proj")] private readonly Linear _queryKeyProjection;
    [ComponentName(Name = "v_proj")] private readonly Linear _valueProjection;
    [ComponentName(Name = "out_proj")] private readonly Linear _outputProjection;
    private readonly MahaBlockOptions _options;
    private readonly WindowOptions _window;

    /// <summary>Builds the projections.</summary>
    /// <param name="options">The shape of the block.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    public WindowMixer(MahaBlockOptions options)
        : base(nameof(WindowMixer))
    {
        ArgumentNullException.ThrowIfNull(options);
        _window = options.Validated<WindowOptions>();
        _options = options;
        _queryKeyProjection = Linear(options.DModel, 2 * options.DModel); // W_Q over W_K
        _valueProjection = Linear(options.DModel, options.DModel); // W_V
        _outputProjection = Linear(options.DModel, options.DModel); // W_O
        RegisterComponents();
    }

    /// <inheritdoc/>
    internal override IEnumerable<Tensor> OutputFactors => _outputProjection.parameters();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The input has another rank, width, element type or device, or padding is before a token.</exception>
    public override MixingResult forward(Tensor hidden, MixingContext context)
    {
        TensorChecks.Hidden(hidden, _options.DModel, _valueProjection, nameof(hidden));
        ArgumentNullException.ThrowIfNull(context);
        using var scope = NewDisposeScope();
        int batch = (int)hidden.shape[0], length = (int)hidden.shape[1], heads = _options.NumHeads, global = Math.Min(_window.GlobalTokens, length);
        int[] lengths = context.Lengths(batch, length);
        var projected = LinearFunction.ApplyAll(hidden, _queryKeyProjection, _valueProjection);
        var (queriesAndKeys, values) = (projected[0], projected[1]); // [B, N, 2D], [B, N, D]
        if (_options.Positions == PositionKind.Rotary)
            queriesAndKeys = RotaryPositions.Rotate(queriesAndKeys, 2 * heads, cell: 1);
        var plan = new WindowPlan(batch, length, heads, _options.DModel / heads, _window.Window, _options.IsCausal, Band: true, GlobalKeys: global);
        var attended = WindowAttention.Apply(queriesAndKeys, values, plan, lengths); // [B, N, D]

        // In a causal model the first tokens see only what the window shows them.
        if (global > 0 && !_options.IsCausal)
            attended = cat([FromGlobal(queriesAndKeys, values, global, heads, lengths), attended.narrow(1, global, length - global)], 1);
        var output = TokenMasks.Clear(LinearFunction.Apply(_outputProjection, attended), lengths);
        return new MixingResult(output, zeros(Array.Empty<long>(), output.dtype, output.device))
        {
            AttentionEntropy = context.Inspect ? Entropy(queriesAndKeys, plan, lengths) : null,
        }.MoveToOuterDisposeScope();
    }

    // The mean entropy of each document's rows, [B, 1].
    private Tensor Entropy(Tensor queriesAndKeys, WindowPlan plan, int[] lengths)
    {
        var (queries, keys) = (queriesAndKeys.narrow(2, 0, _options.DModel), queriesAndKeys.narrow(2, _options.DModel, _options.DModel));
        return AttentionEntropy.Mean(queries, keys, plan, lengths).unsqueeze(1);
    }

    // The first tokens' own attention to every valid token: [B, g, D].
    private static Tensor FromGlobal(Tensor queriesAndKeys, Tensor values, int global, int heads, int[] lengths)
    {
        long width = values.shape[2], length = values.shape[1];
        if (values.device_type == DeviceType.CUDA && lengths.All(n => n >= length))
        {
            // One launch instead of eight, and no copies of keys and values.
            return AttentionHeads.Merge(FusedAttention.Apply(
                AttentionHeads.Split(queriesAndKeys.narrow(1, 0, global).narrow(2, 0, width), heads),
                AttentionHeads.Split(queriesAndKeys.narrow(2, width, width), heads), AttentionHeads.Split(values, heads), null));
        }
        var invalid = TokenMasks.Invalid(lengths, length, values.device); // [B, N]
        var queries = AttentionHeads.Split(queriesAndKeys.narrow(1, 0, global).narrow(2, 0, width), heads); // [B, H, g, K]
        var keys = AttentionHeads.Split(queriesAndKeys.narrow(2, width, width).masked_fill(invalid.unsqueeze(-1), 0), heads); // [B, H, N, K]
        var scores = queries.CheckedMatmul(keys.transpose(-2, -1)) / Math.Sqrt(width / heads); // [B, H, g, N]
        var hidden = scores.masked_fill(invalid.unsqueeze(1).unsqueeze(1), FullAttention.Floor(scores.dtype));
        var attended = hidden.softmax(-1).CheckedMatmul(AttentionHeads.Split(values.masked_fill(invalid.unsqueeze(-1), 0), heads)); // [B, H, g, K]
        return AttentionHeads.Merge(attended);
    }
}
