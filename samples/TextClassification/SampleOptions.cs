using System.CommandLine;
using Maha.Layers.Attention;
using Maha.Samples.Shared;

namespace TextClassification;

/// <summary>The command line of the sample.</summary>
internal sealed record SampleOptions
{
    public required DocumentOptions Documents { get; init; }
    public required bool Quick { get; init; }
    public required int MaxTokens { get; init; }
    public required int Epochs { get; init; }
    public required double Minutes { get; init; }
    public required AttentionKind Attention { get; init; }
    public required AggregationKind Aggregation { get; init; }
    public required int Threads { get; init; }
    public required string Model { get; init; }

    /// <summary>Builds the command with its options and its subcommand.</summary>
    public static RootCommand Command(Func<SampleOptions, int> train, Func<string, FileInfo, int, int> predict)
    {
        var quick = new Option<bool>("--quick") { Description = "a small model on the first tokens of every document, in under 3 minutes" };
        var tokens = new Option<int?>("--max-tokens") { Description = "the most tokens of a document that are read (1024; 256 with --quick)" };
        var epochs = new Option<int?>("--epochs") { Description = "how often training sees every document, at most (6; 5 with --quick)" };
        var minutes = new Option<double?>("--minutes") { Description = "training ends after this time, with the best weights so far (11; 1.5 with --quick)" };
        var attention = new Option<AttentionKind>("--attention")
        {
            Description = "the attention that mixes the tokens",
            DefaultValueFactory = _ => AttentionKind.Hsa,
        };
        var aggregation = new Option<AggregationKind>("--aggregation")
        {
            Description = "the aggregation of the scales, for --attention Maha",
            DefaultValueFactory = _ => AggregationKind.Convex,
        };
        var threads = new Option<int>("--threads") { Description = "processor threads", DefaultValueFactory = _ => Environment.ProcessorCount };
        var model = new Option<string>("--model") { Description = "where the model is saved", DefaultValueFactory = _ => "model.zip" };

        CommandLineRules.AtLeastOne(tokens, epochs, threads);
        CommandLineRules.Minutes(minutes);

        var command = new RootCommand("Trains a classifier of long documents, compares it with a bag of words, and saves it as an ML.NET zip.");
        var readDocuments = DocumentOptions.AddTo(command);
        foreach (var option in new Option[] { quick, tokens, epochs, minutes, attention, aggregation, threads, model })
            command.Options.Add(option);
        command.SetAction(parsed =>
        {
            bool small = parsed.GetValue(quick);
            return train(new SampleOptions
            {
                Documents = readDocuments(parsed),
                Quick = small,
                MaxTokens = parsed.GetValue(tokens) ?? (small ? 256 : 1024),
                Epochs = parsed.GetValue(epochs) ?? (small ? 5 : 6),
                Minutes = parsed.GetValue(minutes) ?? (small ? 1.5 : 11),
                Attention = parsed.GetValue(attention),
                Aggregation = parsed.GetValue(aggregation),
                Threads = parsed.GetValue(threads),
                Model = parsed.GetValue(model)!,
            });
        });

        var zip = new Option<string>("--model") { Description = "a model that was saved before", DefaultValueFactory = _ => "model.zip" };
        var documents = new Argument<FileInfo>("FILE") { Description = "one document per line: label TAB text, the label may be empty" };
        var load = new Command("predict", "Loads a saved model and prints 'label TAB probability' for every line of a file.");
        load.Options.Add(zip);
        load.Options.Add(threads);
        load.Arguments.Add(documents);
        load.SetAction(parsed => predict(parsed.GetValue(zip)!, parsed.GetValue(documents)!, parsed.GetValue(threads)));
        command.Subcommands.Add(load);
        return command;
    }
}
