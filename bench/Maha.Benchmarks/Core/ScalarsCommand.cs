using System.Collections.Concurrent;
using System.Globalization;
using Maha.Layers.Core;
using Maha.TestData;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Core;

/// <summary>
/// <c>scalars [--operations N] [--threads T]</c>: small operations with numbers while another thread collects garbage without a pause, with TorchSharp's
/// operators and with those that Maha's assemblies are built with. Counts exceptions and wrong numbers; fails where Maha's operators have any.
/// </summary>
internal static class ScalarsCommand
{
    private const int Elements = 64;

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int operations = reader.Integer("--operations", 5_000_000), threads = reader.Integer("--threads", 2);
        reader.RefuseLeft();
        if (operations < 1 || threads < 1)
            throw new UsageException($"--operations and --threads must be at least 1, but are {operations} and {threads}.");
        set_num_threads(1);
        EnvironmentHeader.Print(Console.Out);
        Measure("TorchSharp", operations, threads, (x, value) => x + value, (x, value) => x * value, (x, mask, value) => x.masked_fill(mask, value));
        long failures = Measure(
            "kept", operations, threads, KeptScalars.Add, KeptScalars.Multiply, (x, mask, value) => x.masked_fill(mask, KeptScalars.From(value)));
        return failures == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static long Measure(string name, int operations, int threads, Func<Tensor, double, Tensor> add,
        Func<Tensor, double, Tensor> multiply, Func<Tensor, Tensor, double, Tensor> fill)
    {
        long wrong = 0, done = 0;
        int collections = GC.CollectionCount(0);
        var thrown = new ConcurrentDictionary<string, long>();
        using (new ForcedCollections())
        {
            var workers = Enumerable.Range(0, threads).Select(worker => new Thread(() => Work((operations + worker) / threads))).ToList();
            workers.ForEach(worker => worker.Start());
            workers.ForEach(worker => worker.Join());
        }
        long exceptions = thrown.Values.Sum();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{name,-10} operations={done} collections={GC.CollectionCount(0) - collections} exceptions={exceptions} "
                + $"wrong={wrong} {string.Join("; ", thrown.Select(pair => $"{pair.Value}x {pair.Key}"))}"));
        return exceptions + wrong;

        void Work(int count)
        {
            using Tensor zero = zeros(Elements), one = ones(Elements), everywhere = ones(Elements, ScalarType.Bool);
            for (int i = 0; i < count; i++)
            {
                double value = 1 + (i % 1000);
                try
                {
                    using var result = (i % 3) switch { 0 => add(zero, value), 1 => multiply(one, value), _ => fill(zero, everywhere, value) };
                    if (result.data<float>()[0] != value)
                        Interlocked.Increment(ref wrong);
                }
                catch (Exception problem)
                {
                    thrown.AddOrUpdate($"{problem.GetType().Name}: {problem.Message.Split('\n')[0]}", 1, (_, times) => times + 1);
                }
                Interlocked.Increment(ref done);
            }
        }
    }
}
