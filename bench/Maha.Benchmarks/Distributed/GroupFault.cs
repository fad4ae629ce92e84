using System.Diagnostics;
using System.Globalization;
using Maha.MLNet;
using Maha.MLNet.LanguageModel;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Distributed;

/// <summary>Trainings in which one process meets a fault: all must end soon, with the cause.</summary>
internal static class GroupFault
{
    private const string Thrown = "the file of this process is gone";

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan s_endOfAll = TimeSpan.FromSeconds(30);

    // What one process reads, and what the messages must contain.
    private static readonly Dictionary<string, (Func<int, string> Text, string Message)> s_faults = new()
    {
        ["other-data"] = (row => $"other words {row}", "must have the same training data"),
        ["failing-data"] = (row => row == 50 ? throw new IOException(Thrown) : TextOf(row), Thrown),
    };

    /// <summary>The names of the faults.</summary>
    public static IReadOnlyCollection<string> Names => s_faults.Keys;

    /// <summary>Runs a training with a fault in its last process.</summary>
    public static bool Run(string name, int processes)
    {
        using var run = MpiRun.Start(processes, "distributed", "--child-fault", name);
        var watch = Stopwatch.StartNew();
        int? code = run.Wait(s_limit);
        bool isTold = run.Output.Contains(s_faults[name].Message, StringComparison.Ordinal);
        // The start of the programs is part of the time.
        bool isGood = code is not (null or ExitCode.Success) && isTold && watch.Elapsed < s_endOfAll;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"fault {name}: {processes} processes ended after {watch.Elapsed.TotalSeconds:F1} s with {code}; the cause is {(isTold ? "told" : "not told")}"));
        return isGood;
    }

    /// <summary>Trains, in a process of a group.</summary>
    public static int Train(string name)
    {
        set_num_threads(1);
        bool isFaulty = int.Parse(MpiRun.Rank!, CultureInfo.InvariantCulture) > 0;
        var context = new MLContext(1);
        var data = context.Data.LoadFromEnumerable(Enumerable.Range(0, 100).Select(row => new Row
        {
            Text = isFaulty ? s_faults[name].Text(row) : TextOf(row),
        }));
        var options = new MahaLanguageModelEstimator.Options
        {
            InputColumnName = nameof(Row.Text),
            VocabSize = 512,
            DModel = 16,
            NumLayers = 1,
            MaxSequenceLength = 64,
            NumberOfEpochs = 1,
            Distributed = DistributedTraining.Auto,
        };
        using var model = context.Transforms.MahaLanguageModel(options).Fit(data);
        return ExitCode.Success;
    }

    private static string TextOf(int row) => $"the words of row {row} are these and no others";

    private sealed class Row
    {
        public string Text { get; set; } = "";
    }
}
