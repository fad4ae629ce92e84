using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>throughput</c>: tokens per second of trainings as the estimators do them, a line per model and type, with the launches of a step and the time of its
/// parts: making a batch, forward and backward pass, and the rest (gradients, clipping, update, reading the loss).
/// </summary>
/// <remarks>
/// The tokens per second are those of <see cref="Trainer"/> over all steps after the warm-up. For the parts, passes are run alone: until the call returns (the
/// processor's time) and until the device is done.
/// </remarks>
internal static class ThroughputCommand
{
    public const string Arguments =
        "[--models NAME...] [--types float32|bfloat16...] [--device cpu|cuda] [--steps N] [--threads T] [--kernels]";

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var names = reader.Texts("--models", [.. ThroughputModel.All.Select(model => model.Name)]);
        var types = reader.Texts("--types", ["float32", "bfloat16"]);
        string deviceName = reader.Text("--device", "cpu");
        int wanted = reader.Integer("--steps", 0x7fff_ffff), threads = reader.Integer("--threads", 1);
        bool listsKernels = reader.Flag("--kernels");
        reader.RefuseLeft();
        if (deviceName is not ("cpu" or "cuda"))
            throw new UsageException($"--device must be cpu or cuda, but is '{deviceName}'.");
        if (deviceName == "cuda" && !cuda.is_available())
            throw new UsageException("--device is cuda, but libtorch sees no CUDA device.");
        if (types.FirstOrDefault(type => type is not ("float32" or "bfloat16")) is { } unknownType)
            throw new UsageException($"--types must be float32 or bfloat16, but has '{unknownType}'.");
        if (names.FirstOrDefault(name => ThroughputModel.All.All(model => model.Name != name)) is { } unknown)
            throw new UsageException($"--models must be among {string.Join(", ", ThroughputModel.All.Select(model => model.Name))}, but one is '{unknown}'.");

        set_num_threads(threads);
        var device = new Device(deviceName);
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine($"# {deviceName}, the second training of as many steps; parts in ms per step: until the call returns / until the device is done");
        Console.WriteLine(
            $"{"model",-20} {"type",-9} {"tokens/s",10} {"step_ms",8} {"steps",6} {"batches",7} {"launches",8} {"copies",6} {"batch",13} "
                + $"{"forward",13} {"backward",13} {"rest",7} {"loss",8}");
        foreach (var model in ThroughputModel.All.Where(model => names.Contains(model.Name)))
        {
            foreach (string type in types)
                Measure(model, type == "bfloat16" ? ScalarType.BFloat16 : ScalarType.Float32);
        }
        return ExitCode.Success;

        void Measure(ThroughputModel model, ScalarType type)
        {
            // The first two steps are not counted: they allocate memory.
            const int warmup = 2;
            int steps = Math.Min(wanted, model.Steps);
            using var tokenized = model.CreateDocuments(warmup + steps);
            var documents = model.Read(tokenized);
            var options = model.Options with { ComputeType = type, Device = device };
            var (batches, planned) = new StepPlan(documents, options).Epoch(1);
            var measured = planned.Skip(warmup).Take(steps).ToList();
            double tokens = measured.Sum(step => batches[step].Sum(rows => rows.Sum(row => (double)documents.LengthOf(row))));

            var times = new List<long>();
            double loss = double.NaN;
            // The first training compiles code and loads the kernels of all shapes.
            for (int training = 0; training < 2; training++)
            {
                using var task = model.CreateTask();
                times.Clear();
                Train(task.Task, documents, options, warmup + measured.Count, report =>
                {
                    times.Add(Stopwatch.GetTimestamp());
                    loss = report.Loss;
                });
            }
            double seconds = Stopwatch.GetElapsedTime(times[warmup - 1], times[^1]).TotalSeconds;
            double step = seconds / measured.Count * 1e3, perStep = measured.Average(range => batches[range].Length);
            var launches = device.type == DeviceType.CUDA ? CountLaunches(model, documents, options) : null;
            double[] parts = [.. Parts(model, documents, options, [.. measured.SelectMany(range => batches[range])]).Select(part => part / measured.Count)];
            double rest = step - parts[1] - parts[3] - parts[5];
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{model.Name,-20} {(type == ScalarType.BFloat16 ? "bfloat16" : "float32"),-9} {tokens / seconds,10:F0} {step,8:F2} {measured.Count,6} {perStep,7:F2} " +
                $"{launches?.Kernels,8:F0} {launches?.Copies,6:F0} {parts[0],6:F2}/{parts[1],6:F2} {parts[2],6:F2}/{parts[3],6:F2} {parts[4],6:F2}/{parts[5],6:F2} {rest,7:F2} {loss,8:F4}"));
            if (listsKernels && launches is not null)
            {
                foreach (var (name, count) in launches.ByName.OrderByDescending(entry => entry.Value).Take(60))
                    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"#   {count,7:F1} {name}"));
            }
        }
    }

    // Trains for a number of steps of the first epoch.
    private static void Train(ITrainingTask task, ITokenizedDocuments documents, TrainingOptions options, int steps, Action<TrainingProgress> report)
    {
        using var end = new CancellationTokenSource();
        var progress = new Report(now =>
        {
            // A step that had begun when the training was canceled is reported, too.
            if (now.Step <= steps)
                report(now);
            if (now.Step >= steps)
                end.Cancel();
        });
        new Trainer(options with { CancellationBehavior = CancellationBehavior.KeepBest }).Train(task, documents, progress: progress, cancellationToken: end.Token);
        if (options.Device!.type == DeviceType.CUDA)
            cuda.synchronize();
    }

    // The launches of a step: the difference of two trainings, so that what is done once is not counted.
    private static PerStep? CountLaunches(ThroughputModel model, ITokenizedDocuments documents, TrainingOptions options)
    {
        const int few = 4, many = 12;
        LaunchCounts? Count(int steps)
        {
            using var task = model.CreateTask();
            return CudaLaunches.Count(() => Train(task.Task, documents, options, steps, _ => { }));
        }
        if (Count(few) is not { } first || Count(many) is not { } second)
            return null;
        const double steps = many - few;
        return new PerStep(
            (second.Kernels - first.Kernels) / steps, (second.Copies - first.Copies + second.Fills - first.Fills) / steps,
            second.ByName.ToDictionary(entry => entry.Key, entry => (entry.Value - first.ByName.GetValueOrDefault(entry.Key)) / steps));
    }

    // The sums over the batches of: batch, forward, backward; each until the call returns and until the device is done.
    private static double[] Parts(ThroughputModel model, ITokenizedDocuments documents, TrainingOptions options, int[][] batches)
    {
        double[] sums = new double[6];
        using var task = model.CreateTask();
        task.Task.Begin(options, documents, null);
        var module = task.Task.Module;
        module.to(options.Device!);
        module.to(options.ComputeType!.Value);
        module.train();
        for (int i = -2; i < batches.Length; i++)
        {
            using var scope = NewDisposeScope();
            TokenBatch? batch = null;
            TaskLoss loss = default;
            Time(0, () => batch = TokenBatch.Create(documents, batches[Math.Max(i, 0)], options.Device, 1));
            Time(2, () => loss = task.Task.Loss(batch!));
            Time(4, () => BackwardPass.Run(loss.Mean));
            module.zero_grad();
            if (i < 0)
                Array.Clear(sums);
        }
        return sums;

        void Time(int part, Action action)
        {
            long started = Stopwatch.GetTimestamp();
            action();
            sums[part] += Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (options.Device!.type == DeviceType.CUDA)
                cuda.synchronize();
            sums[part + 1] += Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        }
    }

    private sealed record PerStep(double Kernels, double Copies, Dictionary<string, double> ByName);

    // Progress<T> would report on another thread.
    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
