using System.CommandLine;
using System.CommandLine.Parsing;

namespace Maha.Tool.Commands;

/// <summary>The options of a training on the command line.</summary>
internal sealed class TrainOptions
{
    private readonly Option<string> _model = CommonOptions.Model("the file of the model; an existing one is replaced when the new one is complete");
    private readonly Option<bool> _encoder = new("--encoder") { Description = "an encoder of documents without labels, instead of a classifier" };
    private readonly Option<bool> _fromScratch = new("--from-scratch")
    {
        Description = "random weights instead of the pretrained encoder, which knows English only",
    };

    private readonly Option<double?> _minutes = new("--minutes") { Description = "the time for training; the best weights so far are kept when it is over" };
    private readonly Option<int?> _epochs = new("--epochs") { Description = "how often the training sees every document, at most" };
    private readonly Option<int?> _maxTokens = new("--max-tokens") { Description = "the most tokens of a document that are read" };
    private readonly Option<double> _testFraction = new("--test-fraction")
    {
        Description = "the share of the documents that is kept away to measure on; 0 trains on all",
        DefaultValueFactory = _ => 0.2,
    };

    private readonly Option<string[]> _test = new("--test") { Description = "documents to measure on, instead of a share" };
    private readonly Option<string?> _checkpoint = new("--checkpoint")
    {
        Description = "a folder of checkpoints, from which a training goes on that was ended",
    };

    private readonly Option<int> _seed = new("--seed") { Description = "the seed of weights, order and split", DefaultValueFactory = _ => 1 };
    private readonly Option<bool> _strict = new("--strict") { Description = "fails at the first document that can't be read" };

    public TrainOptions(Command command)
    {
        CommonOptions.NotEmpty(_test);
        CommonOptions.NotEmpty(_checkpoint);
        CommonOptions.AtLeast(_epochs, 1);
        CommonOptions.AtLeast(_maxTokens, 1);
        _minutes.Validators.Add(result =>
        {
            if (Number(result) is double value && !(value is > 0 and <= 100_000))
                result.AddError("--minutes must be above 0 and at most 100000.");
        });
        _testFraction.Validators.Add(result =>
        {
            if (Number(result) is double value && !(value is >= 0 and < 1))
                result.AddError("--test-fraction must be at least 0 and below 1.");
        });
        foreach (var option in new Option[]
        {
            _model, _encoder, _fromScratch, _minutes, _epochs, _maxTokens, _testFraction, _test, _checkpoint, _seed, _strict,
        })
        {
            command.Options.Add(option);
        }
        command.Validators.Add(result =>
        {
            if (result.GetValue(_encoder) && result.GetResult(_test) is not null)
                result.AddError("--test needs labels, which an encoder does not learn from: leave out --test or --encoder.");
        });
    }

    public TrainSettings Read(ParseResult parsed) => new()
    {
        Model = parsed.GetValue(_model)!,
        IsEncoder = parsed.GetValue(_encoder),
        IsFromScratch = parsed.GetValue(_fromScratch),
        MaxTrainingTime = parsed.GetValue(_minutes) is double minutes ? TimeSpan.FromMinutes(minutes) : null,
        Epochs = parsed.GetValue(_epochs),
        MaxTokens = parsed.GetValue(_maxTokens),
        TestFraction = parsed.GetValue(_testFraction),
        Test = parsed.GetValue(_test) ?? [],
        Checkpoint = parsed.GetValue(_checkpoint),
        Seed = parsed.GetValue(_seed),
        IsStrict = parsed.GetValue(_strict),
    };

    private static double? Number(OptionResult result)
        => result.Tokens is [var token, ..] && double.TryParse(token.Value, System.Globalization.CultureInfo.InvariantCulture, out double value) ? value : null;
}
