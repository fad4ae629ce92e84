using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>The kernels of <c>adamw.cu</c>: clipping and AdamW over parameters in one tensor, in a few launches and without waiting for the device.</summary>
internal sealed class CudaAdamW : IDisposable
{
    private const string Source = "adamw.cu";
    private const int BlockThreads = 256;
    private const int VectorElements = 4;

    // Enough blocks to fill a device; each takes many vectors.
    private const int MaxBlocks = 1024;
    private const int NormBlocks = 512;
    private const int ControlNumbers = 4;

    private readonly CudaModule _module;
    private readonly Tensor _partial;
    private readonly Tensor _control;

    private CudaAdamW(CudaModule module, Device device)
    {
        _module = module;
        _partial = empty(NormBlocks, ScalarType.Float64, device).DetachFromDisposeScope();
        _control = zeros(ControlNumbers, ScalarType.Float32, device).DetachFromDisposeScope();
    }

    /// <summary>Returns the kernels for parameters; null where they can't be used.</summary>
    public static CudaAdamW? TryCreate(Tensor values) =>
        CudaKernels.TryGetModule(values, Source, "") is { } module ? new CudaAdamW(module, values.device) : null;

    /// <summary>Computes the norm of all gradients and the factor that clips them.</summary>
    /// <param name="gradients">The gradients of all parameters, of Float32.</param>
    /// <param name="losses">The losses of the step, [K] of Float32. One that is not finite stops this and all later updates, as a norm does.</param>
    /// <param name="maxNorm">The maximum norm.</param>
    /// <returns>[K + 1]: the losses and the norm.</returns>
    public Tensor Clip(Tensor gradients, Tensor losses, double maxNorm)
    {
        var measures = empty(losses.numel() + 1, ScalarType.Float32, gradients.device);
        _module.GetFunction("squared_norms").Launch(NormBlocks, 1, 1, BlockThreads, 0, gradients, _partial, gradients.numel() / VectorElements);
        _module.GetFunction("clip").Launch(1, 1, 1, BlockThreads, 0, _partial, NormBlocks, losses, measures, (int)losses.numel(), (float)maxNorm, _control);
        return measures;
    }

    /// <summary>Updates parameters by the clipped gradients, as <see cref="AdamWUpdate"/>, unless updates are stopped.</summary>
    /// <param name="part">The parameters with their gradients and moments. Each begins and ends at a multiple of 4 elements.</param>
    /// <param name="rounded">The parameters in BFloat16, which follow; null for none.</param>
    /// <param name="step">The number of the step, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="weightDecay">The weight decay.</param>
    public void Update((Tensor Values, Tensor Gradients, Tensor Means, Tensor Squares) part, Tensor? rounded, long step, double rate, double weightDecay)
    {
        long vectors = part.Values.numel() / VectorElements;
        _module.GetFunction("adamw").Launch(
            (int)Math.Min(MaxBlocks, (vectors + BlockThreads - 1) / BlockThreads), 1, 1, BlockThreads, 0,
            part.Values, part.Gradients, part.Means, part.Squares, rounded, _control, vectors,
            (float)(1 - (rate * weightDecay)), (float)(rate / (1 - Math.Pow(AdamWUpdate.Beta1, step))),
            (float)(1 / Math.Sqrt(1 - Math.Pow(AdamWUpdate.Beta2, step))), (float)AdamWUpdate.Beta1, (float)(1 - AdamWUpdate.Beta1),
            (float)AdamWUpdate.Beta2, (float)(1 - AdamWUpdate.Beta2), (float)AdamWUpdate.Epsilon);
    }

    public void Dispose()
    {
        _partial.Dispose();
        _control.Dispose();
    }
}
