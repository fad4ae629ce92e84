using System.Globalization;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Reliability;

/// <summary>
/// <c>fuzz</c>: reads files of every kind after random changes, thousands in a process of their own, which is started again after a death. Half of the changes
/// have recomputed checksums. A changed file may be refused with an exception; without recomputed checksums it must not be read as something else.
/// </summary>
internal static class FuzzCommand
{
    public const string Arguments = "[--mutations N] [--kinds K...] [--seed S]";

    private const double MaxMegabytes = 1024;
    private const string Done = "done";

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    // What a reader throws for a file that it refuses. Others show that a value was used before it was checked.
    private static readonly string[] s_clear =
    [
        "MahaModelFileException", "MahaModelVersionException", "FormatException", "InvalidDataException", "WeightFileException", "FileNotFoundException",
        "EndOfStreamException", "IOException",
    ];

    public static int Run(string[] args)
    {
        if (args is ["--child", var kindText, var file, var seedText, var firstText, var endText])
            return Read(kindText, file, Number(seedText), Number(firstText), Number(endText));
        var reader = new OptionReader(args);
        int mutations = reader.Integer("--mutations", 10_000), seed = reader.Integer("--seed", 1);
        var kinds = reader.Texts("--kinds", [.. FuzzedFile.All.Select(kind => kind.Name)]);
        reader.RefuseLeft();
        if (kinds.FirstOrDefault(given => FuzzedFile.All.All(kind => kind.Name != given)) is { } unknown)
            throw new UsageException($"--kinds must be of {string.Join(", ", FuzzedFile.All.Select(kind => kind.Name))}, but has '{unknown}'.");
        set_num_threads(1);
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        Console.WriteLine(
            "| file | changes | refused | read the same | read as another, checksums recomputed | silent changes | crashes | hangs | over 1 GB | other exceptions |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        bool isGood = true;
        foreach (string name in kinds)
            isGood &= Fuzz(name, mutations / kinds.Count, seed);
        return isGood ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool Fuzz(string name, int count, int seed)
    {
        var kind = FuzzedFile.All.Single(kind => kind.Name == name);
        string folder = Directory.CreateTempSubdirectory("maha-fuzz-").FullName;
        try
        {
            string path = kind.Write(folder);
            var counts = new SortedDictionary<string, int>(StringComparer.Ordinal);
            for (int next = 0; next < count;)
            {
                using var run = new ChildRun(["fuzz", "--child", name, path, Text(seed), Text(next), Text(count)]);
                bool hangs = WaitWhileItAdvances(run);
                string[] lines = run.Output.Split('\n');
                int last = next - 1;
                foreach (string[] line in lines.Select(line => line.Split(' ')).Where(line => line is ["result", _, _, ..]))
                {
                    last = Number(line[1]);
                    counts[line[2]] = counts.GetValueOrDefault(line[2]) + 1;
                    if (line[2] is "silent" or "memory" or "other")
                        Console.Error.WriteLine($"{name} {string.Join(' ', line[1..])}");
                }
                next = last + 1;
                if (lines.Contains(Done) || next >= count)
                    break;
                // A run that takes too much memory ends itself.
                if (lines.Any(line => line.Split(' ') is ["result", _, "memory"]))
                    continue;
                string end = hangs ? "hang" : "crash";
                counts[end] = counts.GetValueOrDefault(end) + 1;
                Console.Error.WriteLine($"{name} {next} {end}: {string.Join(" / ", lines.TakeLast(4))}");
                next++;
            }
            int Of(string result) => counts.GetValueOrDefault(result);
            Console.WriteLine(
                $"| {name} | {counts.Values.Sum()} | {Of("refused") + Of("other")} | {Of("same")} | {Of("changed")} | {Of("silent")} | {Of("crash")} | {Of("hang")} | " +
                $"{Of("memory")} | {Of("other")} |");
            return Of("silent") + Of("crash") + Of("hang") + Of("memory") == 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Returns whether the run was killed, since it had printed nothing for a minute.
    private static bool WaitWhileItAdvances(ChildRun run)
    {
        int length = -1;
        while (run.Wait(s_limit) is null)
        {
            int now = run.Output.Length;
            if (now == length)
            {
                run.Kill();
                return true;
            }
            length = now;
        }
        return false;
    }

    private static int Read(string name, string file, int seed, int first, int end)
    {
        set_num_threads(1);
        var kind = FuzzedFile.All.Single(kind => kind.Name == name);
        byte[] whole = File.ReadAllBytes(file);
        string expected = kind.Read(file), path = file + ".changed";
        for (int i = first; i < end; i++)
        {
            var random = new Random(HashCode(seed, i));
            bool isSigned = i % 2 == 1;
            byte[] changed = kind.Change(whole, random, isSigned);
            File.WriteAllBytes(path, changed);
            string result;
            try
            {
                result = kind.Read(path) == expected ? "same" : isSigned ? "changed" : "silent";
            }
            catch (Exception e)
            {
                // ML.NET wraps what its own parts and ours throw.
                while (e is System.Reflection.TargetInvocationException or AggregateException or InvalidOperationException && e.InnerException is { } inner)
                    e = inner;
                result = s_clear.Contains(e.GetType().Name)
                    ? "refused"
                    : $"other {e.GetType().Name} {e.Message.ReplaceLineEndings(" ")} {e.StackTrace?.Split('\n')[0].Trim()}";
            }
            bool isLarge = PeakMemory.Read() > MaxMegabytes;
            Console.WriteLine($"result {Text(i)} {(isLarge ? "memory" : result)}");
            if (isLarge)
                return ExitCode.Failure;
        }
        Console.WriteLine(Done);
        return ExitCode.Success;
    }

    // Not that of the framework, which differs by process.
    private static int HashCode(int seed, int index) => unchecked((seed * 1_000_003) ^ (index * 7919));

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
}
