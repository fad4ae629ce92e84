using System.Diagnostics;
using System.Globalization;
using Maha.Benchmarks.Reliability;
using Maha.MLNet;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Distributed;

/// <summary>
/// <c>distributed</c>: runs trainings in one process and in several, compares the models, kills a process of a training, and goes on from its checkpoint.
/// </summary>
internal static class DistributedCommand
{
    public const string Arguments = "[--processes P...] [--trainings T...] [--kills N] [--faults F...]";

    private const string Law = "law";
    private const string NoFaults = "none";
    private const string PidPrefix = "pid-";
    private const int RowsToCompare = 100;

    // Sums in float64 differ by their order; models in float32 by that and by what an optimizer makes of it. The loss of an encoder compares the documents of
    // a batch with each other, so that it changes where a batch is divided.
    private static readonly Dictionary<string, double> s_tolerances = new() { [Law] = 1e-12, ["encoder"] = 0.3 };
    private const double Tolerance = 0.01;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan s_endOfOthers = TimeSpan.FromSeconds(30);

    public static int Run(string[] args)
    {
        if (args is ["--child", var training, var folder])
            return Train(training, folder);
        if (args is ["--child-fault", var fault])
            return GroupFault.Train(fault);
        var reader = new OptionReader(args);
        int[] processes = [.. reader.Integers("--processes", [2, 3])];
        var trainings = reader.Texts("--trainings", [Law, .. SmallTrainings.Names]);
        int kills = reader.Integer("--kills", 3);
        var faults = reader.Texts("--faults", [.. GroupFault.Names]);
        reader.RefuseLeft();
        if (trainings.FirstOrDefault(name => name != Law && !SmallTrainings.Names.Contains(name)) is { } unknown)
            throw new UsageException($"--trainings must be of {Law}, {string.Join(", ", SmallTrainings.Names)}, but has '{unknown}'.");
        if (faults.FirstOrDefault(name => name != NoFaults && !GroupFault.Names.Contains(name)) is { } other)
            throw new UsageException($"--faults must be {NoFaults} or of {string.Join(", ", GroupFault.Names)}, but has '{other}'.");
        if (!MpiRun.IsInstalled)
            throw new UsageException("mpirun of Open MPI must be on the PATH, but is not. Install it: apt-get install openmpi-bin.");
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        Console.WriteLine("| training | processes | seconds | largest difference to one process | processes with another model |");
        Console.WriteLine("| --- | --- | --- | --- | --- |");
        bool isGood = true;
        foreach (string name in trainings)
            isGood &= Compare(name, processes);
        isGood &= Kill(kills, processes);
        foreach (string name in faults.Where(name => name != NoFaults))
            isGood &= GroupFault.Run(name, processes[0]);
        return isGood ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool Compare(string name, int[] processes)
    {
        using var alone = new Scratch();
        double seconds = RunToEnd(name, alone.Path, 1);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | 1 | {seconds:F1} | | |"));
        double[] expected = OutputsOf(name, FileOf(name, alone.Path, 0));
        bool isGood = true;
        foreach (int count in processes)
        {
            using var scratch = new Scratch();
            seconds = RunToEnd(name, scratch.Path, count);
            string[] hashes = [.. Enumerable.Range(0, count).Select(rank => HashOf(name, FileOf(name, scratch.Path, rank)))];
            int others = hashes.Count(hash => hash != hashes[0]);
            double difference = Difference(expected, OutputsOf(name, FileOf(name, scratch.Path, 0)));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {count} | {seconds:F1} | {difference:E1} | {others} |"));
            isGood &= others == 0 && difference <= s_tolerances.GetValueOrDefault(name, Tolerance);
        }
        return isGood;
    }

    // The process to kill is another one each time; the checkpoint goes on with another number of processes each time.
    private static bool Kill(int kills, int[] processes)
    {
        const string Training = "network";
        using var alone = new Scratch();
        RunToEnd(Training, alone.Path, 1);
        double[] expected = OutputsOf(Training, FileOf(Training, alone.Path, 0));
        bool isGood = true;
        for (int i = 0; i < kills; i++)
        {
            using var scratch = new Scratch();
            int before = processes[i % processes.Length], after = i % 3 == 2 ? 1 : processes[(i + 1) % processes.Length], victim = i % before;
            string checkpoints = Path.Combine(scratch.Path, SmallTrainings.CheckpointFolder);
            double left;
            using (var run = Start(Training, scratch.Path, before))
            {
                if (!SpinWait.SpinUntil(() => HasCheckpoint(checkpoints), s_limit))
                    throw new InvalidOperationException($"A training must write a checkpoint within {s_limit}, but has not:\n{run.Output}");
                int pid = int.Parse(File.ReadAllText(Path.Combine(scratch.Path, PidPrefix + victim)), CultureInfo.InvariantCulture);
                using var process = Process.GetProcessById(pid);
                process.Kill();
                long killed = Stopwatch.GetTimestamp();
                bool hasEnded = run.Wait(s_endOfOthers) is not null;
                left = Stopwatch.GetElapsedTime(killed).TotalSeconds;
                isGood &= hasEnded;
                string? message = run.Output.Split('\n').FirstOrDefault(line => line.Contains("exited on signal", StringComparison.Ordinal));
                isGood &= message is not null;
            }
            RunToEnd(Training, scratch.Path, after);
            double difference = Difference(expected, OutputsOf(Training, FileOf(Training, scratch.Path, 0)));
            isGood &= difference <= Tolerance;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"kill: process {victim} of {before}; the others ended after {left:F1} s; went on with {after}; difference to one process {difference:E1}"));
        }
        return isGood;
    }

    private static bool HasCheckpoint(string folder)
    {
        Thread.Sleep(20);
        return Directory.Exists(folder) && Directory.EnumerateFiles(folder, "checkpoint-*.maha").Skip(1).Any();
    }

    private static double RunToEnd(string name, string folder, int processes)
    {
        var watch = Stopwatch.StartNew();
        using var run = Start(name, folder, processes);
        int? code = run.Wait(s_limit);
        if (code != ExitCode.Success)
            throw new InvalidOperationException($"The training {name} in {processes} processes must succeed, but ended with {code}:\n{run.Output}");
        return watch.Elapsed.TotalSeconds;
    }

    private static ChildRun Start(string name, string folder, int processes) => MpiRun.Start(processes, "distributed", "--child", name, folder);

    private static int Train(string name, string folder)
    {
        set_num_threads(1);
        int rank = int.Parse(MpiRun.Rank ?? "0", CultureInfo.InvariantCulture);
        File.WriteAllText(Path.Combine(folder, PidPrefix + rank), Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        string path = FileOf(name, folder, rank);
        if (name == Law)
        {
            GroupLaw.Write(path, GroupLaw.Train(CPU));
            return ExitCode.Success;
        }
        var context = new MLContext(1);
        context.Log += (_, e) => Console.WriteLine(e.RawMessage);
        var (model, data) = SmallTrainings.Fit(name, context, options =>
        {
            options.Distributed = DistributedTraining.Auto;
            options.Dropout = 0;
            SmallTrainings.AddCheckpoints(options, folder);
        });
        using var owner = (IDisposable)model;
        // Of the processes that train together, SaveSafely writes the file of the first alone.
        using var stream = File.Create(path);
        context.Model.Save(model, data.Schema, stream);
        return ExitCode.Success;
    }

    private static string FileOf(string name, string folder, int rank) => Path.Combine(folder, $"{(name == Law ? "weights" : "model.zip")}-{rank}");

    private static string HashOf(string name, string path) => name == Law ? Convert.ToHexString(File.ReadAllBytes(path)) : ZipContent.HashOf(path);

    private static double[] OutputsOf(string name, string path)
    {
        if (name == Law)
            return GroupLaw.Read(path);
        var context = new MLContext(1);
        using var model = (IDisposable)context.Model.Load(path, out _);
        var data = SmallTrainings.Documents(context);
        var scored = context.Data.TakeRows(((ITransformer)model).Transform(data), RowsToCompare);
        return [.. scored.Schema.Where(column => data.Schema.GetColumnOrNull(column.Name) is null).SelectMany(column => column.Type switch
        {
            VectorDataViewType { ItemType: NumberDataViewType { RawType: var type } } when type == typeof(float) =>
                scored.GetColumn<float[]>(column.Name).SelectMany(row => row).Select(value => (double)value),
            NumberDataViewType { RawType: var type } when type == typeof(float) => scored.GetColumn<float>(column.Name).Select(value => (double)value),
            _ => [],
        })];
    }

    // Relative to the largest value.
    private static double Difference(double[] expected, double[] actual)
    {
        if (expected.Length == 0 || expected.Length != actual.Length)
            throw new InvalidOperationException($"Two models must have as many outputs, at least one, but have {expected.Length} and {actual.Length}.");
        return expected.Zip(actual, (one, other) => Math.Abs(one - other)).Max() / expected.Max(Math.Abs);
    }
}
