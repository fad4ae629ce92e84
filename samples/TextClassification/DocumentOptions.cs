using System.CommandLine;
using System.Globalization;

namespace TextClassification;

/// <summary>The part of a command line that says which documents are trained and tested on.</summary>
internal sealed record DocumentOptions
{
    public required string Task { get; init; }
    public required FileInfo? Data { get; init; }
    public required FileInfo? Test { get; init; }
    public required string LabelColumn { get; init; }
    public required string TextColumn { get; init; }
    public required int Seed { get; init; }

    /// <summary>Adds the options to a command.</summary>
    /// <returns>What reads them.</returns>
    public static Func<ParseResult, DocumentOptions> AddTo(Command command)
    {
        var task = new Option<string>("--task") { Description = "the manual pages' task: section, project or era", DefaultValueFactory = _ => "section" };
        task.AcceptOnlyFromAmong("section", "project", "era");
        var data = new Option<FileInfo?>("--data") { Description = "your own documents instead: a tab-separated file, one document a line" };
        var test = new Option<FileInfo?>("--test") { Description = "documents to test on; without it a fifth of --data" };
        var label = new Option<string>("--label-column") { Description = "the label's column in --data: a number from 0, or a name in the first line", DefaultValueFactory = _ => "0" };
        var text = new Option<string>("--text-column") { Description = "the text's column in --data, likewise", DefaultValueFactory = _ => "1" };
        var seed = new Option<int>("--seed") { Description = "seed of weights, dropout, order and split", DefaultValueFactory = _ => 1 };
        foreach (var option in new Option[] { task, data, test, label, text, seed })
            command.Options.Add(option);
        return parsed => new DocumentOptions
        {
            Task = parsed.GetValue(task)!,
            Data = parsed.GetValue(data),
            Test = parsed.GetValue(test),
            LabelColumn = parsed.GetValue(label)!,
            TextColumn = parsed.GetValue(text)!,
            Seed = parsed.GetValue(seed),
        };
    }

    /// <summary>Refuses numbers below 1.</summary>
    public static void AtLeastOne(Option option) => option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out int value) && value < 1)
            result.AddError($"{option.Name} must be at least 1, but is {value}.");
    });
}
