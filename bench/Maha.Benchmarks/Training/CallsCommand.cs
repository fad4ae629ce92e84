using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Core;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>calls</c>: what a call costs the processor, in microseconds: operators of torch and a function of our own that only copies, on tensors so small that
/// their arithmetic costs nothing; forward, forward with gradients, and backward.
/// </summary>
internal static class CallsCommand
{
    public const string Arguments = "[--device cpu|cuda] [--repetitions N]";

    // The calls of a chain, whose backward pass runs as one.
    private const int ChainLength = 50;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        string deviceName = reader.Text("--device", "cpu");
        int repetitions = reader.Integer("--repetitions", 200);
        reader.RefuseLeft();
        if (deviceName is not ("cpu" or "cuda"))
            throw new UsageException($"--device must be cpu or cuda, but is '{deviceName}'.");
        if (deviceName == "cuda" && !cuda.is_available())
            throw new UsageException("--device is cuda, but libtorch sees no CUDA device.");
        var device = new Device(deviceName);
        set_num_threads(1);
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# {deviceName}, microseconds of the processor per call, the best of {repetitions} chains of {ChainLength} calls");
        Console.WriteLine($"{"call",-24} {"forward",9} {"recorded",9} {"backward",9}");
        using var scope = NewDisposeScope();
        var x = ones([8, 8], device: device);
        var weight = ones([8, 8], device: device);
        var norm = nn.LayerNorm(8).to(device);
        Measure("add_ (in place)", (value, _) => value.add_(x), recorded: false);
        Measure("relu", (value, _) => value.relu());
        Measure("add", (value, _) => value + x);
        Measure("matmul", (value, _) => value.matmul(weight));
        Measure("layer_norm", (value, _) => norm.call(value));
        Measure("to float64 and back", (value, _) => value.to(ScalarType.Float64).to(ScalarType.Float32));
        Measure("scope of its own, add", (value, _) =>
        {
            using var inner = NewDisposeScope();
            return (value + x).MoveToOuterDisposeScope();
        });
        Measure("own function", (value, _) => CopyFunction.Copy(value));
        Measure("own function, 4 inputs", (value, _) => CopyFunction.Copy(value, x, weight, x));
        return ExitCode.Success;

        void Measure(string name, Func<Tensor, int, Tensor> call, bool recorded = true)
        {
            double forward = double.MaxValue, withGradient = double.MaxValue, backward = double.MaxValue;
            for (int i = 0; i < repetitions; i++)
            {
                using (no_grad())
                    forward = Math.Min(forward, Chain(requiresGradient: false).Forward);
                if (!recorded)
                    continue;
                var both = Chain(requiresGradient: true);
                (withGradient, backward) = (Math.Min(withGradient, both.Forward), Math.Min(backward, both.Backward));
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-24} {forward,9:F2} {(recorded ? withGradient : double.NaN),9:F2} {(recorded ? backward : double.NaN),9:F2}"));

            (double Forward, double Backward) Chain(bool requiresGradient)
            {
                using var inner = NewDisposeScope();
                var value = x.clone();
                if (requiresGradient)
                    value.requires_grad_(true);
                Synchronize();
                long started = Stopwatch.GetTimestamp();
                for (int i = 0; i < ChainLength; i++)
                    value = call(value, i);
                double elapsed = Stopwatch.GetElapsedTime(started).TotalMicroseconds / ChainLength;
                if (!requiresGradient)
                    return (elapsed, 0);
                var loss = value.sum();
                Synchronize();
                started = Stopwatch.GetTimestamp();
                BackwardPass.Run(loss);
                return (elapsed, Stopwatch.GetElapsedTime(started).TotalMicroseconds / ChainLength);
            }
        }

        void Synchronize()
        {
            if (device.type == DeviceType.CUDA)
                cuda.synchronize();
        }
    }

    /// <summary>Copies its first argument.</summary>
    private sealed class CopyFunction : SingleOutputFunction<CopyFunction>
    {
        private const string CountKey = "count";

        public static Tensor Copy(params Tensor[] arguments) => CallSingle([.. arguments]);

        protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
        {
            ctx.save_data(CountKey, arguments.Length);
            ctx.save_for_backward([.. arguments.Cast<Tensor>()]);
            return ((Tensor)arguments[0]).clone();
        }

        protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
        {
            _ = ctx.get_saved_variables();
            return [gradient.clone(), .. new Tensor?[(int)ctx.get_data(CountKey) - 1]];
        }
    }
}
