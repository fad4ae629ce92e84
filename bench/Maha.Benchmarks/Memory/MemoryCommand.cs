using System.Globalization;
using Maha.Benchmarks.Block;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Memory;

/// <summary>
/// <c>memory [--steps N]</c>: resident memory over N training steps of a small transformer block, with one dispose scope a step.
/// Prints the mean of each quarter; fails where the last quarter's is more than 5% above the second's.
/// </summary>
internal static class MemoryCommand
{
    private const double Limit = 1.05;
    private const int Quarters = 4;
    private const int BatchSize = 4;
    private const int SequenceLength = 32;
    private const int DModel = 64;
    private const int NumHeads = 4;

    // Reading the process's memory allocates a little itself.
    private const int StepsPerSample = 25;

    public static int Run(string[] args)
    {
        int steps = 5000;
        if (args is ["--steps", var text] && int.TryParse(text, CultureInfo.InvariantCulture, out int given) && given >= Quarters)
            steps = given;
        else if (args.Length > 0)
            throw new UsageException($"'{string.Join(' ', args)}' is not understood. Usage: memory [--steps N], N at least {Quarters}.");

        set_num_threads(1);
        manual_seed(1);
        using var block = new FusedBlock(DModel, NumHeads);
        using AdamW optimizer = optim.AdamW(block.parameters(), 1e-3, weight_decay: 0.01);
        EnvironmentHeader.Print(Console.Out);

        var means = new double[Quarters];
        for (int quarter = 0; quarter < Quarters; quarter++)
        {
            int first = steps * quarter / Quarters, end = steps * (quarter + 1) / Quarters;
            var samples = new List<long>((end - first) / StepsPerSample + 1);
            for (int step = first; step < end; step++)
            {
                using (NewDisposeScope())
                {
                    optimizer.zero_grad();
                    block.call(randn(BatchSize, SequenceLength, DModel)).square().mean().backward();
                    optimizer.step();
                }
                if ((step - first) % StepsPerSample == 0)
                    samples.Add(Environment.WorkingSet);
            }
            means[quarter] = samples.Average();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"quarter {quarter + 1}: steps {first}..{end - 1}, mean resident memory {means[quarter] / (1 << 20):F1} MiB, live tensors {Tensor.TotalCount}"));
        }

        double ratio = means[^1] / means[1];
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"last quarter / second quarter = {ratio:F4}, limit {Limit}"));
        return ratio <= Limit ? ExitCode.Success : ExitCode.Failure;
    }
}
