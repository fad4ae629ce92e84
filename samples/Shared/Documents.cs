using System.Diagnostics;
using Maha.Documents;
using Maha.Samples.Data.ManualPages;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Samples.Shared;

/// <summary>The documents for training and testing: the manual pages, or the user's own.</summary>
public static class Documents
{
    /// <summary>Lazy views over the files, with the columns Label and Text.</summary>
    /// <exception cref="InvalidOperationException">The manual pages can't be fetched, or a column is not in the user's file.</exception>
    public static (IDataView Train, IDataView Test) Load(MLContext mlContext, DocumentOptions options, Action<string> report)
    {
        if (options.Data is { } own)
        {
            var all = Open(mlContext, own, options);
            if (options.Test is { } other)
                return (all, Open(mlContext, other, options));
            var split = mlContext.Data.TrainTestSplit(all, testFraction: 0.2, seed: options.Seed);
            return (split.TrainSet, split.TestSet);
        }
        var watch = Stopwatch.StartNew();
        string folder = ManualPageData.DefaultFolder;
        ManualPageData.Prepare(folder, report);
        report($"data set up in {watch.Elapsed.TotalSeconds:F0} s, in {folder}");
        return (Pages(mlContext, ManualPageData.TrainFile(folder, options.Task)), Pages(mlContext, ManualPageData.TestFile(folder, options.Task)));
    }

    private static IDataView Pages(MLContext mlContext, string path)
        => mlContext.Data.LoadFromEnumerable(ManualPageData.Read(path).Select(page => new Document { Label = page.Label, Text = page.Text }));

    private static IDataView Open(MLContext mlContext, FileInfo file, DocumentOptions options)
    {
        // A folder has the labels in the names of its folders; these files have names for their columns.
        if (Directory.Exists(file.FullName) || file.Exists && file.Extension.ToLowerInvariant() is ".jsonl" or ".csv")
        {
            return mlContext.Data.LoadDocuments(file.FullName, options: new DocumentLoaderOptions
            {
                LabelField = options.LabelColumn == DocumentOptions.DefaultLabelColumn ? null : options.LabelColumn,
                TextField = options.TextColumn == DocumentOptions.DefaultTextColumn ? "text" : options.TextColumn,
            });
        }
        if (!file.Exists)
            throw new InvalidOperationException($"--data and --test must name files, but there is no '{file.FullName}'.");
        bool hasHeader = !int.TryParse(options.LabelColumn, out _) || !int.TryParse(options.TextColumn, out _);
        string[] first = File.ReadLines(file.FullName).FirstOrDefault()?.Split('\t') ?? [];
        return mlContext.Data.LoadFromTextFile(file.FullName,
            [
                new TextLoader.Column("Label", DataKind.String, Index(options.LabelColumn, "--label-column")),
                new TextLoader.Column("Text", DataKind.String, Index(options.TextColumn, "--text-column")),
            ],
            separatorChar: '\t', hasHeader: hasHeader);

        int Index(string column, string option)
        {
            int index = int.TryParse(column, out int number) ? number : Array.IndexOf(first, column);
            if (index < 0)
            {
                throw new InvalidOperationException($"{option} must be a number from 0 or a name in the first line, but is '{column}'. The first line of "
                    + $"'{file.FullName}' has: {string.Join(", ", first)}.");
            }
            return index < first.Length
                ? index
                : throw new InvalidOperationException($"{option} must be a column of '{file.FullName}', but there is no column {index}: the first line "
                    + $"has {first.Length}, numbered from 0. Columns are separated by tabs.");
        }
    }
}
