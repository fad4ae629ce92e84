using System.CommandLine;
using Maha.Samples.Shared;

namespace AutoML;

/// <summary>The command line of the sample.</summary>
internal sealed record SampleOptions
{
    public required FileInfo? Data { get; init; }
    public required FileInfo? Test { get; init; }
    public required int Seconds { get; init; }
    public required int Trials { get; init; }
    public required int MaxTokens { get; init; }
    public required int Threads { get; init; }
    public required int Seed { get; init; }
    public required string Model { get; init; }

    /// <summary>Builds the command with its options.</summary>
    public static RootCommand Command(Func<SampleOptions, CancellationToken, Task<int>> run)
    {
        var data = new Option<FileInfo?>("--data") { Description = "your own documents instead of the manual pages, one line per document, label TAB text" };
        var test = new Option<FileInfo?>("--test") { Description = "documents to test on; without it a fifth of --data" };
        var seconds = new Option<int>("--seconds") { Description = "the budget of the experiment", DefaultValueFactory = _ => 600 };
        var trials = new Option<int>("--trials") { Description = "the most trials", DefaultValueFactory = _ => 1000 };
        var tokens = new Option<int>("--max-tokens")
        {
            Description = "the longest documents that are searched over, in tokens",
            DefaultValueFactory = _ => 1024,
        };
        var threads = new Option<int>("--threads") { Description = "processor threads", DefaultValueFactory = _ => Environment.ProcessorCount };
        var seed = new Option<int>("--seed") { Description = "seed of the split, the models and the tuner", DefaultValueFactory = _ => 1 };
        var model = new Option<string>("--model") { Description = "where the best model is saved", DefaultValueFactory = _ => "automl.zip" };
        CommandLineRules.AtLeastOne(seconds, trials, tokens, threads);

        var command = new RootCommand("Searches among Maha classifiers and a bag of words under a time budget, prints the leader board, and saves the best "
            + "model. Ctrl+C ends it with the best so far.");
        foreach (var option in new Option[] { data, test, seconds, trials, tokens, threads, seed, model })
            command.Options.Add(option);
        command.SetAction((parsed, cancellation) => run(new SampleOptions
        {
            Data = parsed.GetValue(data),
            Test = parsed.GetValue(test),
            Seconds = parsed.GetValue(seconds),
            Trials = parsed.GetValue(trials),
            MaxTokens = parsed.GetValue(tokens),
            Threads = parsed.GetValue(threads),
            Seed = parsed.GetValue(seed),
            Model = parsed.GetValue(model)!,
        }, cancellation));
        return command;
    }
}
