using System.Diagnostics;
using System.Globalization;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Binding;

/// <summary>
/// <c>binding [--rounds N] [--threads N]</c>: what the way from managed code into libtorch costs, beside Python's: one addition of
/// 8 numbers without and with autograd, and a training step of a small transformer block. The sides take turns; medians are compared.
/// </summary>
internal static class BindingCommand
{
    // Above this the binding, not libtorch, would decide how long training takes.
    private const double Limit = 1.1;

    // A few milliseconds each: the sides take turns so often that what else the machine does hits both.
    private const int Additions = 4000;
    private const int TrainingSteps = 4;
    private const int WarmUpRounds = 30;

    public static int Run(string[] args)
    {
        int rounds = 101;
        int threads = 1;
        for (int i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length || !int.TryParse(args[i + 1], CultureInfo.InvariantCulture, out int value) || value < 1 || args[i] is not ("--rounds" or "--threads"))
                throw new UsageException($"'{string.Join(' ', args[i..])}' is not understood. Usage: binding [--rounds N] [--threads N], both positive.");
            if (args[i] == "--rounds")
                rounds = value;
            else
                threads = value;
        }

        set_num_threads(threads);
        var sizes = new BindingSizes(threads);
        using var cases = new BindingCases(sizes);
        EnvironmentHeader.Print(Console.Out);
        using PythonPeer? python = PythonPeer.TryStart(sizes, out string why);
        Console.WriteLine($"# Python: {python?.Description ?? why}");
        Console.WriteLine($"# training step: B {sizes.BatchSize}, N {sizes.SequenceLength}, D {sizes.DModel}, H {sizes.NumHeads}; medians of {rounds} rounds, in microseconds");

        bool holds = python is not null;
        foreach ((string name, Action<int> body, int repetitions) in cases.All)
        {
            var own = new double[rounds];
            var others = new double[rounds];
            // The first rounds compile, resolve and fill caches.
            for (int round = -WarmUpRounds; round < rounds; round++)
            {
                double ownTime = Time(body, repetitions);
                double otherTime = python?.Time(name, repetitions) ?? double.NaN;
                if (round < 0)
                    continue;
                own[round] = ownTime;
                others[round] = otherTime;
            }
            double ratio = Median(own) / Median(others);
            holds &= ratio <= Limit;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{name,-14} managed {Median(own) * 1e6,9:F3}   python {Median(others) * 1e6,9:F3}   ratio {ratio:F3}{(ratio > Limit ? $"   above {Limit}" : "")}"));
        }
        return holds ? ExitCode.Success : ExitCode.Failure;
    }

    private static double Time(Action<int> body, int repetitions)
    {
        long start = Stopwatch.GetTimestamp();
        body(repetitions);
        return Stopwatch.GetElapsedTime(start).TotalSeconds / repetitions;
    }

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>The managed side of the three cases; the names are those of <see cref="PythonPeer"/>.</summary>
    private sealed class BindingCases : IDisposable
    {
        private readonly Tensor _a = ones(8);
        private readonly Tensor _b = ones(8);
        private readonly Tensor _leaf = ones(8, requires_grad: true);
        private readonly TransformerBlock _block;
        private readonly AdamW _optimizer;
        private readonly Tensor _x;

        public BindingCases(BindingSizes sizes)
        {
            manual_seed(1);
            _block = new TransformerBlock(sizes.DModel, sizes.NumHeads);
            _optimizer = optim.AdamW(_block.parameters(), 1e-3, weight_decay: 0.01);
            _x = randn(sizes.BatchSize, sizes.SequenceLength, sizes.DModel);
        }

        public IEnumerable<(string Name, Action<int> Body, int Repetitions)> All =>
            [("add", Add, Additions), ("add-autograd", AddWithAutograd, Additions), ("train", Train, TrainingSteps)];

        private void Add(int repetitions)
        {
            using var guard = no_grad();
            for (int i = 0; i < repetitions; i++)
            {
                using Tensor c = _a + _b;
            }
        }

        private void AddWithAutograd(int repetitions)
        {
            for (int i = 0; i < repetitions; i++)
            {
                using Tensor c = _leaf + _b;
            }
        }

        private void Train(int repetitions)
        {
            for (int i = 0; i < repetitions; i++)
            {
                using var scope = NewDisposeScope();
                _optimizer.zero_grad();
                Tensor loss = _block.call(_x).square().mean();
                loss.backward();
                _optimizer.step();
            }
        }

        public void Dispose()
        {
            _optimizer.Dispose();
            _block.Dispose();
            foreach (Tensor tensor in (Tensor[])[_a, _b, _leaf, _x])
                tensor.Dispose();
        }
    }
}
