using System.Globalization;
using Maha.Benchmarks.Blocks;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Training;

/// <summary>
/// <c>memory [--steps N] [--scope step|outer]</c>: resident memory over N training steps. With <c>step</c>, of a plain block of libtorch's with one dispose
/// scope per step; with <c>outer</c>, of a small language model with one scope around all steps, as a program may have around everything. Prints the mean of
/// each quarter; fails where the last quarter's is more than 5% above the second's, or where tensors accumulate in the outer scope.
/// </summary>
internal static class MemoryCommand
{
    private const double Limit = 1.05;
    private const int Quarters = 4;
    private const int BatchSize = 4;
    private const int SequenceLength = 32;
    private const int DModel = 64;
    private const int NumHeads = 4;
    private const int VocabSize = 300;

    // Reading the process's memory allocates a little itself.
    private const int StepsPerSample = 25;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int steps = reader.Integer("--steps", 5000);
        string scope = reader.Text("--scope", "step");
        reader.RefuseLeft();
        if (steps < Quarters)
            throw new UsageException($"--steps must be at least {Quarters}, but is {steps}.");
        if (scope is not ("step" or "outer"))
            throw new UsageException($"--scope must be step or outer, but is '{scope}'.");

        set_num_threads(1);
        manual_seed(1);
        EnvironmentHeader.Print(Console.Out);
        if (scope == "step")
        {
            using var block = new FusedBlock(DModel, NumHeads);
            return Measure(block, steps, null, () =>
            {
                using var inStep = NewDisposeScope();
                block.call(randn(BatchSize, SequenceLength, DModel)).square().mean().backward();
            });
        }

        using var model = new MahaLanguageModel(new MahaTransformerOptions
        {
            VocabSize = VocabSize,
            DModel = DModel,
            NumHeads = NumHeads,
            NumLayers = 1,
            MaxSequenceLength = SequenceLength,
            IsCausal = true,
        });
        using var ids = randint(0, VocabSize, [BatchSize, SequenceLength], ScalarType.Int64);
        using var outer = NewDisposeScope();
        return Measure(model, steps, outer, () =>
        {
            using var loss = model.Loss(ids, null);
            loss.Mean.backward();
        });
    }

    private static int Measure(nn.Module module, int steps, DisposeScope? outer, Action step)
    {
        using var optimizer = optim.AdamW(module.parameters(), 1e-3, weight_decay: 0.01);
        double[] means = new double[Quarters];
        int[] held = new int[Quarters];
        for (int quarter = 0; quarter < Quarters; quarter++)
        {
            int first = steps * quarter / Quarters, end = steps * (quarter + 1) / Quarters;
            var samples = new List<long>((end - first) / StepsPerSample + 1);
            for (int i = first; i < end; i++)
            {
                // Not the optimizer's zero_grad: TorchSharp's leaves one tensor per parameter in the surrounding scope.
                module.zero_grad();
                step();
                optimizer.step();
                if ((i - first) % StepsPerSample == 0)
                    samples.Add(Environment.WorkingSet);
            }
            means[quarter] = samples.Average();
            held[quarter] = outer?.DisposablesCount ?? 0;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"quarter {quarter + 1}: steps {first}..{end - 1}, mean resident memory {means[quarter] / (1 << 20):F1} MiB, live "
                    + $"tensors {Tensor.TotalCount}{(outer is null ? "" : $", in the outer scope {held[quarter]}")}"));
        }

        double ratio = means[^1] / means[1];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"last quarter / second quarter = {ratio:F4}, limit {Limit}"));
        return ratio <= Limit && held[^1] <= held[0] ? ExitCode.Success : ExitCode.Failure;
    }
}
