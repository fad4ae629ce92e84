using System.Globalization;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Blocks;

/// <summary>The training on a CUDA device: the kernels of the optimizer against the processor's operators, and losses that are read late.</summary>
internal static class DeviceTrainingChecks
{
    // Two groups; sizes below, at and above the alignment, and one that takes many blocks.
    private static readonly long[][] s_sizes = [[1, 63, 64, 65, 3_000_001], [5, 128, 1000]];
    private static readonly double[] s_decays = [0.1, 0];
    private static readonly double[] s_factors = [1, 0.25];

    /// <summary>Runs all checks on the CUDA device.</summary>
    public static void Run(DeviceReport report)
    {
        Optimizer(report, isComplete: true);
        Optimizer(report, isComplete: false);
        NotFinite(report);
        Training(report, null);
        Training(report, ScalarType.BFloat16);
    }

    private static FlatAdamW Create(Device device) => new(s_sizes.Select((sizes, i) => (s_decays[i], s_factors[i], sizes.AsEnumerable())), device);

    private static void Optimizer(DeviceReport report, bool isComplete)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        using var expected = Create(CPU);
        using var actual = Create(report.Device);
        var start = randn(expected.Values.shape);
        for (int p = 0; p < s_sizes.Sum(group => group.Length); p++)
        {
            expected.ViewOf(expected.Values, p).copy_(expected.ViewOf(start, p));
            actual.ViewOf(actual.Values, p).copy_(expected.ViewOf(start, p));
        }
        var rounded = empty(actual.Values.shape, ScalarType.BFloat16, report.Device);
        double norms = 0, losses = 0;
        for (int step = 0; step < 10; step++)
        {
            using var inner = NewDisposeScope();
            Tensor?[] gradients =
            [
                .. s_sizes.SelectMany(sizes => sizes).Select((size, p) => isComplete || (step + p) % 3 != 0 ? randn(size) * (step % 2 == 0 ? 0.001 : 1) : null),
            ];
            expected.AddGradients(gradients);
            actual.AddGradients([.. gradients.Select(gradient => gradient?.to(report.Device))]);
            // In float64: the processor's sum in float32 is less precise than the device's.
            double rate = 0.01 / (1 + step);
            double norm = Math.Sqrt(gradients.Sum(gradient => gradient is null ? 0 : gradient.to(ScalarType.Float64).square().sum().ToDouble()));
            expected.ScaleGradients(Math.Min(1, 1 / (norm + 1e-6)));
            expected.Step(rate);
            var loss = randn(3);
            var measures = actual.ClipAndStep(1, rate, loss.to(report.Device), rounded);
            norms = Math.Max(norms, Math.Abs(measures[3].ToDouble() - norm) / norm);
            losses = Math.Max(losses, DeviceReport.Error(DeviceReport.Largest, loss, measures.narrow(0, 0, 3)));
        }
        var moments = expected.Moments();
        var others = actual.Moments();
        report.Check(
            $"AdamW, {(isComplete ? "all" : "some")} parameters have gradients",
            ("values", DeviceReport.Error(DeviceReport.Largest, expected.Values, actual.Values), 5e-6),
            ("means", DeviceReport.Error(DeviceReport.Largest, moments["means"], others["means"]), 5e-6),
            ("squares", DeviceReport.Error(DeviceReport.Largest, moments["squares"], others["squares"]), 5e-6),
            ("steps", DeviceReport.Error(DeviceReport.Largest, moments["steps"], others["steps"]), 0),
            ("rounded", isComplete ? DeviceReport.Error(DeviceReport.Largest, actual.Values.to(ScalarType.BFloat16).cpu(), rounded) : 0, 0),
            ("norm", norms, 1e-6), ("losses", losses, 0));
    }

    private static void NotFinite(DeviceReport report)
    {
        foreach (bool isLoss in new[] { true, false })
        {
            using var scope = NewDisposeScope();
            using var optimizer = new FlatAdamW([(0, 1, [70])], report.Device);
            bool[] moved = new bool[3];
            for (int step = 0; step < 3; step++)
            {
                var before = optimizer.Values.clone();
                bool isWrong = step == 1;
                optimizer.AddGradients([full([70], isWrong && !isLoss ? double.NaN : 1, ScalarType.Float32, report.Device)]);
                optimizer.ClipAndStep(1, 0.1, full([1], isWrong && isLoss ? double.PositiveInfinity : 1, ScalarType.Float32, report.Device), null);
                moved[step] = (optimizer.Values - before).abs().max().ToDouble() > 0;
            }
            report.Check(
                $"AdamW, a {(isLoss ? "loss" : "gradient")} that is not finite stops it", moved is [true, false, false], string.Join(", ", moved));
        }
    }

    // Losses that are read late are those that are read at once, and those of the processor.
    private static void Training(DeviceReport report, ScalarType? computeType)
    {
        var random = new Random(1);
        using var documents = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 300).Select(i =>
            (Enumerable.Range(0, random.Next(5, 300)).Select(_ => random.Next(10) < 5 ? 3 + (i % 4) : random.Next(3, 60)).ToArray(), i % 4)));
        var late = Losses(report.Device, true, computeType);
        var once = Losses(report.Device, false, computeType);
        var processor = Losses(CPU, false, null);
        double limit = computeType is null ? 1e-4 : 0.05;
        report.Check(
            $"training in {computeType ?? ScalarType.Float32}, losses read late",
            ("steps", Math.Abs(late.Count - once.Count) + Math.Abs(late.Count - processor.Count), 0),
            ("read at once", Distance(late, once), limit), ("processor", Distance(late, processor), computeType is null ? 2e-3 : 0.1));
        report.Line(string.Create(CultureInfo.InvariantCulture, $"     {late.Count} losses from {late[0]:F4} to {late[^1]:F4}"));

        // Of a loss near 0 the digits say nothing.
        static double Distance(List<double> left, List<double> right) => left.Zip(right, (a, b) => Math.Abs(a - b) / Math.Max(Math.Abs(b), 0.5)).Take(30).Max();

        List<double> Losses(Device device, bool readsLate, ScalarType? type)
        {
            using var state = new RandomStateScope(1);
            using var classifier = new MahaSequenceClassifier(
                new MahaTransformerOptions { VocabSize = 60, MaxSequenceLength = 512, DModel = 64, NumHeads = 2, NumLayers = 2, Dropout = 0 }, 4);
            var losses = new List<double>();
            var options = new TrainingOptions
            {
                NumberOfEpochs = 3,
                TokensPerBatch = 1024,
                GradientAccumulation = 2,
                LearningRate = 1e-3,
                Device = device,
                ComputeType = type,
            };
            new Trainer(options) { ReadsLate = readsLate }.Train(
                new SequenceClassificationTask(classifier, 4), documents, progress: new Report(now => losses.Add(now.Validation?.Loss ?? now.Loss)));
            return losses;
        }
    }

    // Progress<T> would report on another thread.
    private sealed class Report(Action<TrainingProgress> action) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => action(value);
    }
}
