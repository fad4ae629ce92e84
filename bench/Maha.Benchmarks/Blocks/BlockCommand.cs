using System.Globalization;
using System.Text.Json;
using Maha.Layers.Attention;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>
/// <c>block [--n N...] [--variants V...] [--device cpu|cuda] [--dtype float32|float64|bfloat16] [--d-model D] [--heads H] [--batch B] [--threads T]
/// [--repeats R] [--warm-ups W] [--kernels] [--times-only] [--json]</c>: time and peak memory of one block of each variant, forward and forward + backward, in
/// one interleaved run; on a CUDA device also the launches of a pass.
/// </summary>
/// <remarks>
/// On a CUDA device <c>launches</c> counts all kernels of a pass, forward / forward and backward, and <c>own</c> those that are Maha's; <c>--kernels</c> lists
/// them by name. With more than one warm-up the .NET code is also run on a few tokens first, until the runtime has optimized it. Memory and launches take a
/// pass of their own, on a CUDA device in a process of its own; <c>--times-only</c> leaves them out.
/// </remarks>
internal static class BlockCommand
{
    private static readonly string[] s_defaultVariants = ["full", "maha"];
    private static readonly int[] s_defaultLengths = [512, 1024, 2048, 4096];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var lengths = reader.Integers("--n", s_defaultLengths);
        var variants = reader.Texts("--variants", s_defaultVariants);
        string device = reader.Text("--device", "cpu"), type = reader.Text("--dtype", "float32");
        var shape = new MahaBlockOptions { DModel = reader.Integer("--d-model", 256), NumHeads = reader.Integer("--heads", 4), Dropout = 0 };
        int batch = reader.Integer("--batch", 1), threads = reader.Integer("--threads", 1), repeats = reader.Integer("--repeats", 5);
        int warmUps = reader.Integer("--warm-ups", 1);
        bool json = reader.Flag("--json"), listsKernels = reader.Flag("--kernels"), timesOnly = reader.Flag("--times-only");
        bool passOnly = reader.Flag(CudaPass.Option);
        reader.RefuseLeft();
        var place = device is "cpu" or "cuda" ? new Device(device) : throw new UsageException($"--device must be cpu or cuda, but is '{device}'.");
        if (device == "cuda" && !cuda.is_available())
            throw new UsageException("--device is cuda, but libtorch sees no CUDA device.");
        var scalar = Type(type);
        if (device == "cpu" && scalar == ScalarType.Float16)
            throw new UsageException("--dtype float16 is for --device cuda, but --device is cpu, where libtorch multiplies no such matrices. Choose bfloat16.");
        foreach (string variant in variants)
            BlockVariants.Check(variant, shape);

        set_num_threads(threads);
        if (passOnly)
        {
            if (device != "cuda" || lengths.Count != 1 || variants.Count != 1)
                throw new UsageException($"{CudaPass.Option} takes --device cuda, one --n and one of --variants.");
            Console.WriteLine(JsonSerializer.Serialize(
                CudaPass.Measure(scalar, () => new BlockMeasurement(variants[0], shape, batch, lengths[0], place, scalar))));
            return ExitCode.Success;
        }
        using (ones(1))
        {
            if (!json)
                EnvironmentHeader.Print(Console.Out);
        }
        if (!json)
        {
            Console.WriteLine($"# d_model {shape.DModel}, heads {shape.NumHeads}, batch {batch}, {device} {type}, medians of {repeats} after {warmUps}, "
                + $"interleaved; ratios are {variants[0]} / variant");
            Console.WriteLine($"{"variant",-12} {"n",7} {"forward_ms",11} {"train_ms",11} {"peak_mb",9} {"us/token",9} {"forward_x",9} {"train_x",9}"
                + (device == "cuda" ? $" {"launches",11} {"own",9}" : ""));
        }
        if (warmUps > 1)
            OptimizeCode();
        foreach (int length in lengths)
            Measure(length);
        return ExitCode.Success;

        // The runtime optimizes a method after some tens of calls, in several steps and in the background. Until then a short pass on a GPU takes up to
        // twice as long. Few tokens run the same code.
        void OptimizeCode()
        {
            const int rounds = 3, passes = 60, tokens = 64;
            foreach (string variant in variants)
            {
                using var run = new BlockMeasurement(variant, shape, batch, tokens, place, scalar);
                for (int round = 0; round < rounds; round++)
                {
                    for (int pass = 0; pass < passes; pass++)
                        run.Run(record: false);
                    Thread.Sleep(250);
                }
            }
        }

        void Measure(int length)
        {
            var runs = variants.Select(variant =>
                new BlockMeasurement(variant, shape, batch, length, place, scalar)).ToList();
            for (int repeat = -warmUps; repeat < repeats; repeat++)
            {
                foreach (var run in runs)
                    run.Run(record: repeat >= 0);
            }
            foreach (var run in runs)
            {
                if (device == "cpu" && !timesOnly)
                {
                    run.RunForMemory();
                }
                else if (!timesOnly)
                {
                    run.Cuda = CudaPass.MeasureInProcess(
                        run.Variant, length, ["--dtype", type, "--d-model", Text(shape.DModel), "--heads", Text(shape.NumHeads), "--batch", Text(batch)]);
                    run.PeakMegabytes = run.Cuda?.PeakMegabytes;
                }
                Print(run, runs[0]);
            }
            runs.ForEach(run => run.Dispose());
        }

        void Print(BlockMeasurement run, BlockMeasurement first)
        {
            if (json)
            {
                Console.WriteLine(JsonSerializer.Serialize(new
                {
                    variant = run.Variant,
                    n = run.Length,
                    device,
                    dtype = type,
                    forward_ms = run.ForwardMilliseconds,
                    train_ms = run.TrainMilliseconds,
                    peak_mb = run.PeakMegabytes,
                    launches_forward = run.Cuda?.Forward?.Kernels,
                    launches_train = run.Cuda?.Train?.Kernels,
                    own_launches_forward = run.Cuda?.OwnForward,
                    own_launches_train = run.Cuda?.OwnTrain,
                }));
                return;
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{run.Variant,-12} {run.Length,7} {run.ForwardMilliseconds,11:F2} {run.TrainMilliseconds,11:F2} {run.PeakMegabytes,9:F0} "
                    + $"{run.TrainMilliseconds * 1e3 / run.Length / batch,9:F2} {first.ForwardMilliseconds / run.ForwardMilliseconds,9:F2} "
                    + $"{first.TrainMilliseconds / run.TrainMilliseconds,9:F2}{Launches(run.Cuda)}"));
            if (listsKernels && run.Cuda is { Forward: { } forward, Train: { } train })
            {
                PrintKernels("forward", forward);
                PrintKernels("forward and backward", train);
            }
        }
    }

    private static string Launches(CudaPass? pass) =>
        pass is null ? "" : $" {Pair(pass.Forward?.Kernels, pass.Train?.Kernels),11} {Pair(pass.OwnForward, pass.OwnTrain),9}";

    private static string Pair(long? forward, long? train) => $"{forward} / {train}";

    private static void PrintKernels(string pass, LaunchCounts counts)
    {
        Console.WriteLine($"#   {pass}: {counts.Kernels} kernels, {counts.Copies} copies, {counts.Fills} fills");
        foreach (var (name, count) in counts.ByName.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal))
            Console.WriteLine($"#     {count,3} {name}");
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static ScalarType Type(string name) => name switch
    {
        "float32" => ScalarType.Float32,
        "float64" => ScalarType.Float64,
        "bfloat16" => ScalarType.BFloat16,
        "float16" => ScalarType.Float16,
        _ => throw new UsageException($"--dtype must be float32, float64, bfloat16 or float16, but is '{name}'."),
    };
}
