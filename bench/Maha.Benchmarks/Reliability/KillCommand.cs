using System.Diagnostics;
using System.Globalization;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Reliability;

/// <summary>
/// <c>kill</c>: ends trainings with checkpoints by <c>kill -9</c> at random moments, runs them again until they end, and compares the models with that of a
/// training that was not ended. Then ends saves, and looks for a whole model in the file.
/// </summary>
internal static class KillCommand
{
    public const string Arguments = "[--moments N] [--trainings T...] [--saves N] [--seed S]";

    private const string Ready = "ready";
    private const string ModelName = "model.zip";

    // A training of some seconds that has not ended by then hangs.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    public static int Run(string[] args)
    {
        if (args is ["--child", var training, var folder])
            return Train(training, folder);
        if (args is ["--child-save", var first, var second, var path])
            return Save(first, second, path);
        var reader = new OptionReader(args);
        int moments = reader.Integer("--moments", 50), saves = reader.Integer("--saves", 50), seed = reader.Integer("--seed", 1);
        var trainings = reader.Texts("--trainings", [.. SmallTrainings.Names]);
        reader.RefuseLeft();
        if (trainings.FirstOrDefault(name => !SmallTrainings.Names.Contains(name)) is { } unknown)
            throw new UsageException($"--trainings must be of {string.Join(", ", SmallTrainings.Names)}, but has '{unknown}'.");
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        Console.WriteLine("| training | seconds | moments | kills | runs that went on | other models | files left |");
        Console.WriteLine("| --- | --- | --- | --- | --- | --- | --- |");
        bool isGood = true;
        var random = new Random(seed);
        foreach (string name in trainings)
            isGood &= KillTrainings(name, moments, random);
        isGood &= KillSaves(saves, random);
        return isGood ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool KillTrainings(string name, int moments, Random random)
    {
        using var reference = new Scratch();
        var watch = Stopwatch.StartNew();
        Require(RunChild(name, reference.Path, TimeSpan.MaxValue), name);
        double seconds = watch.Elapsed.TotalSeconds;
        string expected = ZipContent.HashOf(Path.Combine(reference.Path, ModelName));
        int kills = 0, resumed = 0, others = 0, left = 0;
        for (int moment = 0; moment < moments; moment++)
        {
            using var scratch = new Scratch();
            watch.Restart();
            // The first kill may be early, when there is no checkpoint yet. Every run that goes on may be killed, too.
            int before = kills;
            for (bool isComplete = false; !isComplete;)
            {
                bool isLast = kills > before && random.Next(2) == 0;
                var run = RunChild(name, scratch.Path, isLast ? TimeSpan.MaxValue : TimeSpan.FromSeconds(random.NextDouble() * seconds));
                resumed += run.Output.Contains("Goes on from the checkpoint", StringComparison.Ordinal) ? 1 : 0;
                isComplete = run.ExitCode is not null;
                kills += isComplete ? 0 : 1;
                if (isComplete)
                    Require(run, name);
            }
            if (kills == before)
            {
                // The run ended before the moment: the machine is faster now.
                seconds = Math.Min(seconds, watch.Elapsed.TotalSeconds);
                moment--;
                continue;
            }
            others += ZipContent.HashOf(Path.Combine(scratch.Path, ModelName)) == expected ? 0 : 1;
            left += Directory.GetFiles(scratch.Path, "*", SearchOption.AllDirectories).Length - 1;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {seconds:F1} | {moments} | {kills} | {resumed} | {others} | {left} |"));
        return others == 0 && left == 0;
    }

    private static bool KillSaves(int saves, Random random)
    {
        using var scratch = new Scratch();
        string[] models = [.. new[] { "network", "binary" }.Select(name =>
        {
            string folder = Path.Combine(scratch.Path, name);
            Directory.CreateDirectory(folder);
            Require(RunChild(name, folder, TimeSpan.MaxValue), name);
            return Path.Combine(folder, ModelName);
        })];
        string[] whole = [.. models.Select(ZipContent.HashOf)];
        string target = Path.Combine(scratch.Path, ModelName);
        File.Copy(models[0], target);
        int broken = 0, left = 0;
        for (int i = 0; i < saves; i++)
        {
            using var run = new ChildRun(["kill", "--child-save", .. models, target], Ready);
            if (!run.WaitUntilReady(s_limit))
                throw new InvalidOperationException($"The process that saves must begin within {s_limit}, but has not:\n{run.Output}");
            Thread.Sleep(TimeSpan.FromMilliseconds(random.NextDouble() * 200));
            run.Kill();
            try
            {
                broken += whole.Contains(ZipContent.HashOf(target)) ? 0 : 1;
            }
            catch (InvalidDataException)
            {
                broken++;
            }
            left += Directory.GetFiles(scratch.Path).Length > 1 ? 1 : 0;
        }
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"saves: {saves} kills, {left} of them within a save, {broken} files that are not one of the two models"));
        return broken == 0;
    }

    private static (int? ExitCode, string Output) RunChild(string name, string folder, TimeSpan killAfter)
    {
        using var run = new ChildRun(["kill", "--child", name, folder]);
        if (killAfter != TimeSpan.MaxValue && run.Wait(killAfter) is null)
        {
            run.Kill();
            return (null, run.Output);
        }
        int code = run.Wait(s_limit) ?? throw new InvalidOperationException($"The training {name} must end within {s_limit}, but has not:\n{run.Output}");
        return (code, run.Output);
    }

    private static void Require((int? ExitCode, string Output) run, string name)
    {
        if (run.ExitCode != ExitCode.Success)
            throw new InvalidOperationException($"The training {name} must succeed, but ended with the code {run.ExitCode}:\n{run.Output}");
    }

    private static int Train(string name, string folder)
    {
        set_num_threads(1);
        var context = new MLContext(1);
        context.Log += (_, e) => Console.WriteLine(e.RawMessage);
        var (model, data) = SmallTrainings.Fit(name, context, options => SmallTrainings.AddCheckpoints(options, folder));
        using var owner = (IDisposable)model;
        context.Model.SaveSafely(model, data.Schema, Path.Combine(folder, ModelName));
        return ExitCode.Success;
    }

    private static int Save(string first, string second, string path)
    {
        var context = new MLContext(1);
        var models = new[] { first, second }.Select(file => (Model: context.Model.Load(file, out var schema), Schema: schema)).ToArray();
        for (int i = 0; ; i++)
        {
            context.Model.SaveSafely(models[i % 2].Model, models[i % 2].Schema, path);
            if (i == 0)
                Console.WriteLine(Ready);
        }
    }
}
