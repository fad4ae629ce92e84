using System.CommandLine;
using Maha.Layers.Attention;
using Maha.Samples.Shared;

namespace LanguageModel;

/// <summary>The command line of the sample.</summary>
internal sealed record SampleOptions
{
    public required IReadOnlyList<FileInfo> Data { get; init; }
    public required FileInfo? HeldOut { get; init; }
    public required AttentionKind Attention { get; init; }
    public required int Context { get; init; }
    public required int DModel { get; init; }
    public required int Layers { get; init; }
    public required int VocabSize { get; init; }
    public required int Epochs { get; init; }
    public required double Minutes { get; init; }
    public required Continuation Continuation { get; init; }

    /// <summary>Builds the command with its options and its subcommand.</summary>
    public static RootCommand Command(Func<SampleOptions, int> train, Func<Continuation, int> generate)
    {
        var data = new Option<FileInfo[]>("--data")
        {
            Description = "your own text files (UTF-8) instead of Jane Austen's novels; each is one document",
            AllowMultipleArgumentsPerToken = true,
        };
        var held = new Option<FileInfo?>("--held-out")
        {
            Description = "the text that perplexity is measured on; without it the last tenth of every file of --data",
        };
        var quick = new Option<bool>("--quick") { Description = "a small model with short contexts, in about two minutes" };
        var attention = new Option<AttentionKind>("--attention")
        {
            Description = "the attention: Maha, HsaCausal, Window or Full",
            DefaultValueFactory = _ => AttentionKind.HsaCausal,
        };
        var context = new Option<int?>("--context") { Description = "the tokens of a context (1024; 256 with --quick)" };
        var width = new Option<int>("--d-model") { Description = "the width of the model, divisible by 4", DefaultValueFactory = _ => 128 };
        var layers = new Option<int?>("--layers") { Description = "the number of blocks (3; 2 with --quick)" };
        var vocabulary = new Option<int>("--vocab") { Description = "the size of the vocabulary", DefaultValueFactory = _ => 4096 };
        var epochs = new Option<int?>("--epochs") { Description = "how often training sees every text, at most (6; 1 with --quick)" };
        var minutes = new Option<double?>("--minutes") { Description = "training ends after this time (12; 2 with --quick)" };
        var continuation = new ContinuationOptions();
        CommandLineRules.AtLeastOne(context, width, layers, vocabulary, epochs);
        CommandLineRules.Minutes(minutes);

        var command = new RootCommand(
            "Trains a causal language model on texts, prints its perplexity on a held-out text, saves it as an ML.NET zip, and continues a prompt.");
        foreach (var option in new Option[] { data, held, quick, attention, context, width, layers, vocabulary, epochs, minutes })
            command.Options.Add(option);
        continuation.AddTo(command);
        command.SetAction(parsed =>
        {
            bool small = parsed.GetValue(quick);
            return train(new SampleOptions
            {
                Data = parsed.GetValue(data) ?? [],
                HeldOut = parsed.GetValue(held),
                Attention = parsed.GetValue(attention),
                Context = parsed.GetValue(context) ?? (small ? 256 : 1024),
                DModel = parsed.GetValue(width),
                Layers = parsed.GetValue(layers) ?? (small ? 2 : 3),
                VocabSize = parsed.GetValue(vocabulary),
                Epochs = parsed.GetValue(epochs) ?? (small ? 1 : 6),
                Minutes = parsed.GetValue(minutes) ?? (small ? 2 : 12),
                Continuation = continuation.Read(parsed),
            });
        });

        var load = new Command("generate", "Loads a saved model and continues a prompt, word by word.");
        var saved = new ContinuationOptions();
        saved.AddTo(load);
        load.SetAction(parsed => generate(saved.Read(parsed)));
        command.Subcommands.Add(load);
        return command;
    }
}
