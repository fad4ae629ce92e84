using System.Diagnostics;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>One variant at one length: its block, its input and the times taken so far.</summary>
internal sealed class BlockMeasurement : IDisposable
{
    private readonly nn.Module _block;
    private readonly Func<Tensor> _forwardPass;
    private readonly Tensor _input;
    private readonly Tensor _gradient;
    private readonly Tensor _padding;
    private readonly List<double> _forward = [];
    private readonly List<double> _train = [];

    public BlockMeasurement(string variant, MahaBlockOptions shape, int batch, int length, Device device, ScalarType type)
    {
        (Variant, Length) = (variant, length);
        _input = randn([batch, length, shape.DModel], device: device).to(type).requires_grad_().DetachFromDisposeScope();
        _gradient = randn([batch, length, shape.DModel], device: device).to(type).DetachFromDisposeScope();
        _padding = zeros([batch, length], ScalarType.Bool, device).DetachFromDisposeScope();
        if (variant == BlockVariants.Fused)
        {
            var block = new FusedBlock(shape.DModel, shape.NumHeads);
            (_block, _forwardPass) = (block, () => block.call(_input));
        }
        else
        {
            var options = BlockVariants.Options(variant, shape with { MaxSequenceLength = length });
            var block = new MahaBlock(options);

            // The published mixer refuses any mask, even one that masks nothing.
            var context = options.Attention is MahaReferenceOptions ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = _padding };
            (_block, _forwardPass) = (block, () => block.call(_input, context).Output);
        }
        _block.to(type);
        _block.to(device);
        _block.eval();
    }

    public string Variant { get; }

    public int Length { get; }

    public double ForwardMilliseconds => Median(_forward);

    public double TrainMilliseconds => Median(_train);

    /// <summary>The peak of one forward and backward pass in MiB; null where it is not known.</summary>
    public double? PeakMegabytes { get; set; }

    /// <summary>The launches of the passes; null on the CPU, or where they are not known.</summary>
    public CudaPass? Cuda { get; set; }

    /// <summary>One forward pass and one forward and backward pass; warm-ups are not recorded.</summary>
    public void Run(bool record)
    {
        double forward = Time(Forward);
        double train = Time(Train);
        if (!record)
            return;
        _forward.Add(forward);
        _train.Add(train);
    }

    /// <summary>One forward and backward pass for its memory. Not timed: returning memory first makes the system clear every page again.</summary>
    public void RunForMemory()
    {
        PeakMemory.Reset();
        RunOnce();
        PeakMegabytes = PeakMemory.Read();
    }

    /// <summary>One forward and backward pass.</summary>
    public void RunOnce() => Time(Train);

    /// <summary>One forward pass without gradient.</summary>
    public void RunForwardOnce() => Time(Forward);

    private void Forward()
    {
        using var guard = no_grad();
        _forwardPass();
    }

    private void Train() => _forwardPass().backward([_gradient]);

    public void Dispose()
    {
        _block.Dispose();
        _input.Dispose();
        _gradient.Dispose();
        _padding.Dispose();
    }

    private double Time(Action action)
    {
        Synchronize();
        var watch = Stopwatch.StartNew();
        using (NewDisposeScope())
            action();
        Synchronize();
        return watch.Elapsed.TotalMilliseconds;
    }

    private void Synchronize()
    {
        if (_input.device_type == DeviceType.CUDA)
            cuda.synchronize();
    }

    private static double Median(List<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted.Count % 2 == 1 ? sorted[sorted.Count / 2] : (sorted[(sorted.Count / 2) - 1] + sorted[sorted.Count / 2]) / 2;
    }
}
