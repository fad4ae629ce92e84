using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, S scales, D width

/// <summary>
/// Gates between neighboring scales, from the coarsest to the finest.
/// </summary>
/// <remarks>
/// <para>Equation 12 of the paper, applied S - 1 times: G_{S-1} = U(O_{S-1}), G_s = g_s * U(O_s) + (1 - g_s) * G_{s+1} with
/// g_s = sigmoid(W_s [U(O_s) ; G_{s+1}]); the output is G_0. A scale that is not available is skipped: its gate is 0, and where no
/// coarser one is available the gate of the coarsest available scale is 1.</para>
/// <para>The reported weights are the shares of the scales, w_s = g_s * product over t &lt; s of (1 - g_t), as the mean over the
/// channels: [B, N, S], each row with sum 1. There are no prices. Cost: 2 * (S - 1) * D^2 * N.</para>
/// </remarks>
internal sealed class GatedAggregation : ScaleAggregation
{
    [ComponentName(Name = "gates")] private readonly ModuleList<CrossScaleGate> _gates;

    /// <summary>Creates one gate for each two neighboring scales.</summary>
    /// <param name="dModel">D, the width of the tokens.</param>
    /// <param name="numScales">S, at least 1.</param>
    public GatedAggregation(int dModel, int numScales) : base(nameof(GatedAggregation), numScales)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        DModel = dModel;
        _gates = new ModuleList<CrossScaleGate>([.. Enumerable.Range(0, numScales - 1).Select(_ => new CrossScaleGate(dModel))]);
        RegisterComponents();
    }

    /// <summary>D, the width of the tokens.</summary>
    public int DModel { get; }

    /// <inheritdoc/>
    public override AggregationResult forward(ScaleOutputs scales)
    {
        Check(scales);
        if (_gates.Count > 0)
            TensorChecks.Hidden(scales.Upsampled[0], DModel, _gates[0].Projection, nameof(scales));
        using var scope = NewDisposeScope();
        int coarsest = NumScales - 1;
        var gates = new Tensor[coarsest]; // [B, N, D] each
        var blended = scales.Upsampled[coarsest]; // G_s
        var noneCoarser = Unavailable(scales, coarsest); // [B, 1 or N, 1], true = no scale from s + 1 on is available
        for (int scale = coarsest - 1; scale >= 0; scale--)
        {
            var current = scales.Upsampled[scale];
            var gate = _gates[scale].Gate(current, blended);
            if (Unavailable(scales, scale) is { } missing)
            {
                gate = gate.masked_fill(noneCoarser!, 1).masked_fill(missing, 0);
                noneCoarser = noneCoarser!.logical_and(missing);
            }
            blended = CrossScaleGate.Blend(gate, current, blended);
            gates[scale] = gate;
        }
        var output = coarsest == 0 ? ClearPadding(blended.alias(), scales) : ClearPadding(blended, scales);
        var weights = Weights(gates, output); // [B, N, S]
        return new AggregationResult(output, weights, NoLoss(output), SolverDiagnostics.ClosedForm).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <remarks>
    /// Within a cell of scale s all of G_s is equal, so that it is computed for the rows of the scale in place of all tokens: the products take O(D^2 N) in place
    /// of O(S D^2 N) operations.
    /// </remarks>
    public override AggregationResult? TryAggregate(CudaScales scales)
    {
        var hierarchy = scales.Hierarchy;
        int coarsest = scales.Outputs.Count - 1;
        if (hierarchy.IsCausal || coarsest == 0)
            return null;
        using var scope = NewDisposeScope();
        var gates = new Tensor[coarsest]; // [B, N_s, D] each
        var blended = scales.Outputs[coarsest]; // G_s
        for (int scale = coarsest - 1; scale >= 0; scale--)
        {
            var (current, length) = (scales.Outputs[scale], hierarchy.Lengths[scale]);
            var gate = _gates[scale].GateOfCoarser(current, blended, Upsample);

            // Documents without the coarser scale keep their own, and those without this one take nothing.
            if (hierarchy.Available.Any(available => available <= scale + 1))
                gate = gate.masked_fill(Documents(available => available <= scale + 1), 1).masked_fill(Documents(available => available <= scale), 0);
            blended = Upsample(blended).lerp(current, gate);
            gates[scale] = gate;

            Tensor Upsample(Tensor rows) => rows.unsqueeze(2).expand(-1, -1, hierarchy.Ratio, -1).flatten(1, 2).narrow(1, 0, length);

            Tensor Documents(Func<int, bool> condition) =>
                tensor([.. hierarchy.Available.Select(condition)], [hierarchy.Available.Length, 1, 1], device: current.device);
        }
        var output = TokenMasks.Clear(blended, hierarchy.ValidLengths[0]);
        Tensor weights; // [B, N, S]
        using (no_grad())
        {
            Tensor[] readable = [.. gates.Select(gate => CudaScales.Readable(gate.detach(), scales.Forward))];
            weights = new CudaScaleAggregation(scales, new CudaScaleSettings(ScaleWeightRule.Equal)).Shares(readable);
        }
        return new AggregationResult(output, weights, NoLoss(output), SolverDiagnostics.ClosedForm).MoveToOuterDisposeScope();
    }

    private static Tensor? Unavailable(ScaleOutputs scales, int scale)
    {
        if (scales.UnavailableScales is not { } unavailable)
            return null;
        var ofScale = unavailable.select(-1, scale).unsqueeze(-1); // [B, 1] or [B, N, 1]
        return unavailable.dim() == 2 ? ofScale.unsqueeze(-1) : ofScale;
    }

    // [B, N, S]: the products of the gates, as the mean over the channels.
    private static Tensor Weights(Tensor[] gates, Tensor like)
    {
        var shares = new Tensor[gates.Length + 1];
        var left = ones(like.shape, like.dtype, like.device); // [B, N, D], the share that finer scales leave
        for (int scale = 0; scale < gates.Length; scale++)
        {
            shares[scale] = (left * gates[scale]).mean([-1]); // [B, N]
            left = left * (1 - gates[scale]);
        }
        shares[^1] = left.mean([-1]);
        return stack(shares, -1);
    }
}
