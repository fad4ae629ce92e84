using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Maha.Benchmarks.Reliability;
using Maha.Layers.Distributed;
using Maha.Layers.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Distributed;

/// <summary>
/// <c>scale</c>: starts one process per GPU of this machine, with the variables that a scheduler sets, and compares their training with that of one GPU. A
/// step has the same documents in both.
/// </summary>
internal static class ScaleCommand
{
    public const string Arguments = "[--gpus N] [--trainings law|failure|language-model|reader...] [--steps N]";

    private const string Law = "law";

    // A training that diverges in all processes, and another one after it.
    private const string Failure = "failure";

    // Sums in float64 differ by their order.
    private const double LawTolerance = 1e-12;

    private static readonly string[] s_names = [Law, Failure, .. ScaleTraining.Names];
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(8);

    public static int Run(string[] args)
    {
        if (args is ["--child", var training, var number, var path])
            return Train(training, int.Parse(number, CultureInfo.InvariantCulture), path);
        var reader = new OptionReader(args);
        int gpus = reader.Integer("--gpus", 2), steps = reader.Integer("--steps", 60);
        var trainings = reader.Texts("--trainings", s_names);
        reader.RefuseLeft();
        if (trainings.FirstOrDefault(name => !s_names.Contains(name)) is { } unknown)
            throw new UsageException($"--trainings must be of {string.Join(", ", s_names)}, but has '{unknown}'.");
        if (gpus < 2 || cuda.device_count() < gpus)
            throw new UsageException($"--gpus must be at least 2 and at most the number of GPUs, which is {cuda.device_count()}, but is {gpus}.");
        EnvironmentHeader.Print(Console.Out);
        bool isGood = true;
        foreach (string name in trainings)
        {
            using var scratch = new Scratch();
            if (name == Failure)
            {
                Console.WriteLine($"failure: {File.ReadAllText(RunToEnd(name, gpus, steps, scratch.Path))}");
                continue;
            }
            string one = RunToEnd(name, 1, steps, scratch.Path), several = RunToEnd(name, gpus, steps, scratch.Path);
            if (name == Law)
            {
                var (expected, actual) = (GroupLaw.Read(one), GroupLaw.Read(several));
                double difference = expected.Zip(actual, (x, y) => Math.Abs(x - y)).Max() / expected.Max(Math.Abs);
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture, $"law: weights on {gpus} GPUs and on one differ by {difference:E1} of the largest"));
                isGood &= difference <= LawTolerance;
                continue;
            }
            var (alone, together) = (Read(one), Read(several));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{name}: {alone.TokensPerSecond:N0} tokens/s on one GPU, {together.TokensPerSecond:N0} on {gpus}: "
                    + $"{together.TokensPerSecond / alone.TokensPerSecond:F2} times; {alone.StepMilliseconds:F1} and {together.StepMilliseconds:F1} ms per step; "
                    + $"{together.MegabytesPerStep:F1} MB exchanged per step; last losses {alone.Loss:F5} and {together.Loss:F5}"));
        }
        return isGood ? ExitCode.Success : ExitCode.Failure;
    }

    private static ScaleResult Read(string path) => JsonSerializer.Deserialize<ScaleResult>(File.ReadAllText(path))!;

    // Returns the file that the first process wrote.
    private static string RunToEnd(string name, int processes, int steps, string folder)
    {
        string path = Path.Combine(folder, $"{name}-{processes}"), port = FreePort();
        var runs = Enumerable.Range(0, processes).Select(rank => new ChildRun(
            ["scale", "--child", name, steps.ToString(CultureInfo.InvariantCulture), path], readyLine: null,
            new Dictionary<string, string>
            {
                ["RANK"] = Text(rank),
                ["LOCAL_RANK"] = Text(rank),
                ["WORLD_SIZE"] = Text(processes),
                ["MASTER_ADDR"] = IPAddress.Loopback.ToString(),
                ["MASTER_PORT"] = port,
            })).ToList();
        try
        {
            // In the order in which they end: one that fails lets the others wait for it.
            var ends = runs.Select(run => Task.Run(() => (Run: run, Code: run.Wait(s_limit)))).ToList();
            while (ends.Count > 0)
            {
                int first = Task.WaitAny([.. ends]);
                var (run, code) = ends[first].Result;
                if (code != ExitCode.Success)
                    throw new InvalidOperationException($"The training {name} in {processes} processes must succeed, but ended with {code}:\n{run.Output}");
                ends.RemoveAt(first);
            }
        }
        finally
        {
            foreach (var run in runs)
                run.Dispose();
        }
        return path;

        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }

    private static int Train(string name, int steps, string path)
    {
        int rank = int.Parse(Environment.GetEnvironmentVariable("RANK") ?? "0", CultureInfo.InvariantCulture);
        var device = new Device(DeviceType.CUDA, rank);
        if (name == Law)
        {
            double[] weights = GroupLaw.Train(device);
            if (rank == 0)
                GroupLaw.Write(path, weights);
            return ExitCode.Success;
        }
        if (name == Failure)
        {
            string report = Fail(device);
            if (rank == 0)
                File.WriteAllText(path, report);
            return ExitCode.Success;
        }
        var result = ScaleTraining.Run(name, steps, device);
        if (rank == 0)
            File.WriteAllText(path, JsonSerializer.Serialize(result));
        return ExitCode.Success;
    }

    // As an estimator does it: the group is told of the exception.
    private static string Fail(Device device)
    {
        try
        {
            GroupLaw.Diverge(device);
        }
        catch (TrainingDivergedException e)
        {
            ProcessGroups.Joined!.Fail(e);
            try
            {
                _ = GroupLaw.Train(device);
            }
            catch (DistributedException second)
            {
                return $"the first training ended with '{e.Message}', the second one with '{second.Message}'";
            }
            throw new InvalidOperationException("A training after a failure must be refused without mpirun, but was not.");
        }
        throw new InvalidOperationException("A training of weights that are not numbers must diverge, but did not.");
    }
}
