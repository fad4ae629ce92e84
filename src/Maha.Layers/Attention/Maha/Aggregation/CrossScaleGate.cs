using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Attention;

// B batch, N length, M coarser length, D width

/// <summary>
/// Blends a scale with the next coarser one, channel by channel.
/// </summary>
/// <remarks>
/// Equation 12 of the paper: g = sigmoid(W [C_s ; U(C_{s+1})]) and G_s = g * C_s + (1 - g) * U(C_{s+1}),
/// with U the nearest upsampling to the finer length. Cost: 2 * D^2 * N.
/// </remarks>
internal sealed class CrossScaleGate : Module<Tensor, Tensor, Tensor>
{
    [ComponentName(Name = "gate_proj")] private readonly Linear _gateProjection;
    private readonly int _dModel;

    /// <summary>Creates the gate.</summary>
    /// <param name="dModel">D, the width of the tokens.</param>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public CrossScaleGate(int dModel) : base(TorchLibrary.EnsureLoadedFor(nameof(CrossScaleGate)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        _dModel = dModel;
        _gateProjection = Linear(2 * dModel, dModel); // W
        RegisterComponents();
    }

    /// <summary>Blends two neighboring scales.</summary>
    /// <param name="current">C_s, [B, N, D].</param>
    /// <param name="next">C_{s+1}, [B, M, D] with M at most N.</param>
    /// <returns>G_s, [B, N, D].</returns>
    /// <exception cref="ArgumentException">A rank, width, batch size, element type or device differs, or the coarser scale is longer.</exception>
    public override Tensor forward(Tensor current, Tensor next)
    {
        TensorChecks.Hidden(current, _dModel, _gateProjection, nameof(current));
        TensorChecks.Hidden(next, _dModel, _gateProjection, nameof(next));
        if (next.shape[0] != current.shape[0] || next.shape[1] > current.shape[1])
        {
            throw new ArgumentException(
                "next must have the batch size of current and be no longer, "
                + $"but they are {TensorChecks.Show(next.shape)} and {TensorChecks.Show(current.shape)}.",
                nameof(next));
        }
        using var scope = NewDisposeScope();
        var upsampled = NearestUpsampling.To(next, current.shape[1]); // [B, N, D]
        var gate = Gate(current, upsampled);
        return Blend(gate, current, upsampled).MoveToOuterDisposeScope();
    }

    /// <summary>Computes g, [B, N, D], for scales of equal length.</summary>
    public Tensor Gate(Tensor current, Tensor upsampled) => _gateProjection.call(cat([current, upsampled], -1)).sigmoid();

    /// <summary>
    /// Computes g, [B, N, D], from a coarser scale of length M at most N, [B, M, D]: W is applied to its rows before they are upsampled.
    /// </summary>
    /// <param name="current">[B, N, D].</param>
    /// <param name="coarser">[B, M, D].</param>
    /// <param name="upsample">The upsampling from M to N rows.</param>
    public Tensor GateOfCoarser(Tensor current, Tensor coarser, Func<Tensor, Tensor> upsample)
    {
        var weight = _gateProjection.weight!; // [D, 2D]
        var own = LinearFunction.ApplyByTorch(current, weight.narrow(1, 0, _dModel), _gateProjection.bias);
        var other = LinearFunction.ApplyByTorch(coarser, weight.narrow(1, _dModel, _dModel), null);
        return (own + upsample(other)).sigmoid();
    }

    /// <summary>Computes g * current + (1 - g) * upsampled.</summary>
    public static Tensor Blend(Tensor gate, Tensor current, Tensor upsampled) => (gate * current) + ((1 - gate) * upsampled);

    /// <summary>The layer whose element type and device the inputs must have.</summary>
    public Linear Projection => _gateProjection;
}
