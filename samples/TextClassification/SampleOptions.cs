using System.CommandLine;
using Maha.Layers.Attention;
using Maha.Samples.Shared;

namespace TextClassification;

/// <summary>The command line of the sample.</summary>
internal sealed record SampleOptions
{
    public required DocumentOptions Documents { get; init; }
    public required bool Quick { get; init; }

    /// <summary>Whether the network starts from random weights, not from the pretrained ones.</summary>
    public required bool FromScratch { get; init; }

    public required int MaxTokens { get; init; }

    /// <summary>The most epochs; null where the trainer chooses them.</summary>
    public required int? Epochs { get; init; }

    /// <summary>The time for training, in minutes.</summary>
    public required double Minutes { get; init; }

    /// <summary>The number of blocks over the whole document, which follow the pretrained encoder.</summary>
    public required int DocumentLayers { get; init; }

    public required AttentionKind Attention { get; init; }
    public required AggregationKind Aggregation { get; init; }
    public required int Threads { get; init; }
    public required string Model { get; init; }

    /// <summary>The path of the report, an HTML file.</summary>
    public required string Report { get; init; }

    /// <summary>Whether training begins anew where an earlier run has left checkpoints.</summary>
    public required bool Fresh { get; init; }

    /// <summary>The folder of the checkpoints, from which a run goes on that was ended.</summary>
    public string Checkpoints => Model + ".checkpoints";

    // Reading the data, the evaluation and the baseline take the rest of 15 minutes, and of 3.
    private const double DefaultMinutes = 9;
    private const double QuickMinutes = 1;

    /// <summary>Builds the command with its options and its subcommand.</summary>
    public static RootCommand Command(Func<SampleOptions, int> train, Func<string, FileInfo, int, int> predict)
    {
        var quick = new Option<bool>("--quick") { Description = "reads the first tokens of every document only, and takes under 3 minutes" };
        var fromScratch = new Option<bool>("--from-scratch") { Description = "a small network with random weights instead of the pretrained encoder MiniLM" };
        var tokens = new Option<int?>("--max-tokens") { Description = "the most tokens of a document that are read (1024; 256 with --quick)" };
        var epochs = new Option<int?>("--epochs")
        {
            Description = "how often training sees every document, at most (chosen by the time; from scratch 6, or 5 with --quick)",
        };
        var minutes = new Option<double?>("--minutes")
        {
            Description = FormattableString.Invariant(
                $"the time for training; when it is over, the best weights so far are kept ({DefaultMinutes}; {QuickMinutes} with --quick)"),
        };
        var documentLayers = new Option<int>("--document-layers") { Description = "blocks over the whole document that follow the pretrained encoder (0)" };
        var attention = new Option<AttentionKind>("--attention")
        {
            Description = "the attention that mixes the tokens, with --from-scratch or --document-layers",
            DefaultValueFactory = _ => AttentionKind.Hsa,
        };
        var aggregation = new Option<AggregationKind>("--aggregation")
        {
            Description = "the aggregation of the scales, for --attention Maha",
            DefaultValueFactory = _ => AggregationKind.Convex,
        };
        var threads = new Option<int>("--threads") { Description = "processor threads", DefaultValueFactory = _ => Environment.ProcessorCount };
        var model = new Option<string>("--model") { Description = "where the model is saved", DefaultValueFactory = _ => "model.zip" };

        var report = new Option<string?>("--report") { Description = "where the report is written, an HTML file (beside the model)" };
        var fresh = new Option<bool>("--fresh") { Description = "begins anew, although an earlier run that was ended can go on" };

        CommandLineRules.AtLeastOne(tokens, epochs, threads, documentLayers);
        CommandLineRules.Minutes(minutes);

        var command = new RootCommand("Trains a classifier of long documents, compares it with a bag of words, and saves it as an ML.NET zip.");
        var readDocuments = DocumentOptions.AddTo(command);
        Option[] all = [quick, fromScratch, tokens, epochs, minutes, documentLayers, attention, aggregation, threads, model, report, fresh];
        foreach (var option in all)
            command.Options.Add(option);
        command.Validators.Add(result =>
        {
            bool scratch = result.GetValue(fromScratch), hasLayers = result.GetResult(documentLayers) is not null;
            if (scratch && hasLayers)
                result.AddError("--document-layers follow the pretrained encoder, so they can't be combined with --from-scratch.");
            bool hasAttention = result.GetResult(attention) is { Implicit: false } || result.GetResult(aggregation) is { Implicit: false };
            if (!scratch && !hasLayers && hasAttention)
            {
                result.AddError("--attention and --aggregation need --from-scratch or --document-layers: the pretrained encoder has an attention of its own.");
            }
        });
        command.SetAction(parsed =>
        {
            bool small = parsed.GetValue(quick), scratch = parsed.GetValue(fromScratch);
            return train(new SampleOptions
            {
                Documents = readDocuments(parsed),
                Quick = small,
                FromScratch = scratch,
                MaxTokens = parsed.GetValue(tokens) ?? (small ? 256 : 1024),
                Epochs = parsed.GetValue(epochs) ?? (scratch ? (small ? 5 : 6) : null),
                Minutes = parsed.GetValue(minutes) ?? (small ? QuickMinutes : DefaultMinutes),
                DocumentLayers = parsed.GetValue(documentLayers),
                Attention = parsed.GetValue(attention),
                Aggregation = parsed.GetValue(aggregation),
                Threads = parsed.GetValue(threads),
                Model = parsed.GetValue(model)!,
                Report = parsed.GetValue(report) ?? Path.ChangeExtension(parsed.GetValue(model)!, ".html"),
                Fresh = parsed.GetValue(fresh),
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
