using System.CommandLine;

namespace Maha.Samples.Shared;

/// <summary>The options of a command line that choose the documents for training and testing.</summary>
public sealed record DocumentOptions
{
    internal const string DefaultLabelColumn = "0";
    internal const string DefaultTextColumn = "1";

    /// <summary>The task of the manual pages: section, project or era.</summary>
    public required string Task { get; init; }

    /// <summary>The user's own documents, a file or a folder; null for the manual pages.</summary>
    public required FileInfo? Data { get; init; }

    /// <summary>The documents to test on; null for a fifth of <see cref="Data"/>.</summary>
    public required FileInfo? Test { get; init; }

    /// <summary>The column of the labels: a number from 0, or a name in the first line.</summary>
    public required string LabelColumn { get; init; }

    /// <summary>The column of the texts: a number from 0, or a name in the first line.</summary>
    public required string TextColumn { get; init; }

    /// <summary>The seed of weights, dropout, order and split.</summary>
    public required int Seed { get; init; }

    /// <summary>Adds the options to a command.</summary>
    /// <returns>The function that reads them.</returns>
    public static Func<ParseResult, DocumentOptions> AddTo(Command command)
    {
        var task = new Option<string>("--task") { Description = "the manual pages' task: section, project or era", DefaultValueFactory = _ => "section" };
        task.AcceptOnlyFromAmong("section", "project", "era");
        var data = new Option<FileInfo?>("--data")
        {
            Description = "your own documents instead: a tab-separated file, one document per line; a folder whose folders are named by the labels; "
                + "or a .jsonl or .csv file",
        };
        var test = new Option<FileInfo?>("--test") { Description = "documents to test on; without it a fifth of --data" };
        var label = new Option<string>("--label-column")
        {
            Description = "the label's column in --data: a number from 0, or a name in the first line",
            DefaultValueFactory = _ => DefaultLabelColumn,
        };
        var text = new Option<string>("--text-column") { Description = "the text's column in --data, likewise", DefaultValueFactory = _ => DefaultTextColumn };
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
}
