using System.Diagnostics;
using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Block;

/// <summary>One variant at one length: its block, its input and the times taken so far.</summary>
internal sealed class BlockMeasurement : IDisposable
{
    private readonly MahaBlock _block;
    private readonly Tensor _input;
    private readonly Tensor _gradient;
    private readonly MixingContext _context;
    private readonly List<double> _forward = [];
    private readonly List<double> _train = [];

    public BlockMeasurement(string variant, MahaBlockOptions options, int batch, int length, Device device, ScalarType type)
    {
        (Variant, Length) = (variant, length);
        _block = new MahaBlock(options);
        _block.to(type);
        _block.to(device);
        _block.eval();
        _input = randn([batch, length, options.DModel], device: device).to(type).requires_grad_();
        _gradient = randn([batch, length, options.DModel], device: device).to(type);
        _context = new MixingContext { KeyPaddingMask = zeros([batch, length], ScalarType.Bool, device) };
        foreach (var tensor in new[] { _input, _gradient, _context.KeyPaddingMask })
            tensor.DetachFromDisposeScope();
    }

    public string Variant { get; }

    public int Length { get; }

    public double ForwardMilliseconds => Median(_forward);

    public double TrainMilliseconds => Median(_train);

    public double? PeakMegabytes { get; private set; }

    /// <summary>One forward pass and one forward and backward pass; warm-ups are not recorded.</summary>
    public void Run(bool record)
    {
        double forward = Time(() =>
        {
            using var guard = no_grad();
            _block.call(_input, _context);
        });
        double train = Time(Train);
        if (!record)
            return;
        _forward.Add(forward);
        _train.Add(train);
    }

    /// <summary>One forward and backward pass for its memory. Not timed: giving memory back beforehand makes the system clear every page again.</summary>
    public void RunForMemory()
    {
        if (_input.device_type != DeviceType.CPU)
            return;
        PeakMemory.Reset();
        Time(Train);
        PeakMegabytes = PeakMemory.Read();
    }

    private void Train() => _block.call(_input, _context).Output.backward([_gradient]);

    public void Dispose()
    {
        _block.Dispose();
        _input.Dispose();
        _gradient.Dispose();
        _context.KeyPaddingMask!.Dispose();
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
