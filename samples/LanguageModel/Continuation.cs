using System.CommandLine;
using Maha.Layers.Generation;
using Maha.Samples.Shared;

namespace LanguageModel;

/// <summary>A prompt to continue, and how.</summary>
internal sealed record Continuation(string Model, string Prompt, GenerationOptions Options, int Threads);

/// <summary>The options that training and generation share.</summary>
internal sealed class ContinuationOptions
{
    private readonly Option<string> _model = new("--model") { Description = "the file of the model", DefaultValueFactory = _ => "language-model.zip" };
    private readonly Option<string> _prompt =
        new("--prompt") { Description = "the text to continue", DefaultValueFactory = _ => "It was a truth universally acknowledged," };
    private readonly Option<int> _tokens = new("--tokens") { Description = "the most tokens to write", DefaultValueFactory = _ => 120 };
    private readonly Option<double> _temperature =
        new("--temperature") { Description = "0 always takes the likeliest token, 1 the model's own probabilities", DefaultValueFactory = _ => 0.8 };
    private readonly Option<int?> _topK = new("--top-k") { Description = "draw among this many of the likeliest tokens only" };
    private readonly Option<double> _topP =
        new("--top-p") { Description = "draw among the likeliest tokens that together reach this probability", DefaultValueFactory = _ => 0.95 };
    private readonly Option<double> _penalty =
        new("--repetition-penalty") { Description = "above 1: tokens that already occur become less likely", DefaultValueFactory = _ => 1.1 };
    private readonly Option<string[]> _stop = new("--stop") { Description = "end where one of these texts appears", AllowMultipleArgumentsPerToken = true };
    private readonly Option<int> _seed = new("--seed") { Description = "the seed of weights, order and draws", DefaultValueFactory = _ => 1 };
    private readonly Option<int> _threads = new("--threads") { Description = "processor threads", DefaultValueFactory = _ => Environment.ProcessorCount };

    public void AddTo(Command command)
    {
        CommandLineRules.AtLeastOne(_threads, _tokens);
        foreach (var option in new Option[] { _model, _prompt, _tokens, _temperature, _topK, _topP, _penalty, _stop, _seed, _threads })
            command.Options.Add(option);
    }

    public Continuation Read(ParseResult parsed) => new(parsed.GetValue(_model)!, parsed.GetValue(_prompt)!, new GenerationOptions
    {
        MaxTokens = parsed.GetValue(_tokens),
        Temperature = parsed.GetValue(_temperature),
        TopK = parsed.GetValue(_topK),
        TopP = parsed.GetValue(_topP),
        RepetitionPenalty = parsed.GetValue(_penalty),
        StopSequences = parsed.GetValue(_stop) ?? [],
        Seed = parsed.GetValue(_seed),
    }, parsed.GetValue(_threads));
}
