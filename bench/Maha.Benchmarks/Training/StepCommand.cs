using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>step</c>: time of a training step of a classifier on documents of equal length, with float32 weights that compute in float32 and in bfloat16. A line per
/// type: the median of a step of <see cref="Trainer"/>; of a forward and backward pass without the optimizer, in the same type; and of the rest.
/// </summary>
internal static class StepCommand
{
    public const string Arguments =
        "[--variants V...] [--types float32|bfloat16...] [--device cpu|cuda] [--n N] [--batch B] [--d-model D] [--heads H] [--layers L] [--vocab V] "
            + "[--steps N] [--warmup N] [--threads T]";

    private const int NumClasses = 2;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        var variants = reader.Texts("--variants", ["full"]);
        var types = reader.Texts("--types", ["float32", "bfloat16"]);
        string device = reader.Text("--device", "cpu");
        int length = reader.Integer("--n", 256), batch = reader.Integer("--batch", 32), threads = reader.Integer("--threads", 1);
        int steps = reader.Integer("--steps", 50), warmup = reader.Integer("--warmup", 10);

        // By default the shape of MiniLM.
        var shape = new MahaTransformerOptions
        {
            VocabSize = reader.Integer("--vocab", 30_522),
            MaxSequenceLength = length,
            DModel = reader.Integer("--d-model", 384),
            NumHeads = reader.Integer("--heads", 12),
            NumLayers = reader.Integer("--layers", 6),
        };
        reader.RefuseLeft();
        if (device is not ("cpu" or "cuda"))
            throw new UsageException($"--device must be cpu or cuda, but is '{device}'.");
        if (device == "cuda" && !cuda.is_available())
            throw new UsageException("--device is cuda, but libtorch sees no CUDA device.");
        foreach (string type in types)
            ComputeType(type);
        foreach (string variant in variants)
            BlockVariants.Options(variant, shape).Validate();

        set_num_threads(threads);
        EnvironmentHeader.Print(Console.Out);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"# d_model {shape.DModel}, heads {shape.NumHeads}, layers {shape.NumLayers}, vocabulary {shape.VocabSize}, {batch} documents of {length} tokens, "
                + $"{device}, medians of {steps} steps"));
        Console.WriteLine($"{"variant",-12} {"type",-9} {"step_ms",9} {"pass_ms",9} {"rest_ms",9} {"tokens/s",10} {"loss",8}");
        using var documents = Documents(shape.VocabSize, length, batch * (warmup + steps));
        foreach (string variant in variants)
        {
            foreach (string type in types)
                Measure(variant, type);
        }
        return ExitCode.Success;

        void Measure(string variant, string type)
        {
            manual_seed(1);
            using var classifier = new MahaSequenceClassifier((MahaTransformerOptions)BlockVariants.Options(variant, shape), NumClasses);
            classifier.to(new Device(device));
            var task = new SequenceClassificationTask(classifier, NumClasses);
            var times = new List<double>();
            long last = 0;
            double loss = double.NaN;
            var progress = new Report(report =>
            {
                long now = Stopwatch.GetTimestamp();
                if (report.Step > warmup)
                    times.Add(Stopwatch.GetElapsedTime(last, now).TotalMilliseconds);
                (last, loss) = (now, report.Loss);
            });
            new Trainer(new TrainingOptions
            {
                NumberOfEpochs = 1,
                TokensPerBatch = batch * length,
                LearningRate = 1e-4,
                ValidationFraction = 0,
                ComputeType = ComputeType(type),
            }).Train(task, documents, progress: progress);
            classifier.to(ComputeType(type));
            double step = Median(times), pass = Median(Passes(task));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{variant,-12} {type,-9} {step,9:F2} {pass,9:F2} {step - pass,9:F2} {batch * length / step * 1e3,10:F0} {loss,8:F4}"));
        }

        List<double> Passes(SequenceClassificationTask task)
        {
            var times = new List<double>();
            using var scope = NewDisposeScope();
            var rows = TokenBatch.Create(documents, [.. Enumerable.Range(0, batch)], new Device(device), 1);
            task.Module.train();
            for (int i = -warmup; i < steps; i++)
            {
                long started = Stopwatch.GetTimestamp();
                using var inner = NewDisposeScope();
                BackwardPass.Run(task.Loss(rows).Mean);
                task.Module.zero_grad();
                if (device == "cuda")
                    cuda.synchronize();
                if (i >= 0)
                    times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
            return times;
        }
    }

    private static ScalarType ComputeType(string name) => name switch
    {
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        _ => throw new UsageException($"--types must be float32 or bfloat16, but has '{name}'."),
    };

    private static TokenizedDataset Documents(int vocabSize, int length, int count)
    {
        var random = new Random(1);
        return TokenizedDataset.FromTokenIds(Enumerable.Range(0, count).Select(i =>
        {
            int[] ids = new int[length];
            for (int t = 0; t < length; t++)
                ids[t] = random.Next(vocabSize);
            return (ids, i % NumClasses);
        }));
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[values.Count / 2 - 1] + values[values.Count / 2]) / 2;
    }

    // Progress<T> would report on another thread.
    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
