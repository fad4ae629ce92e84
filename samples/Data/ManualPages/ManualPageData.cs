using System.Diagnostics;
using System.Globalization;

namespace Maha.Samples.Data.ManualPages;

/// <summary>
/// The tasks' files: {task}.train.tsv and {task}.test.tsv with label TAB text and no header, and era.folds.tsv with
/// label TAB text TAB fold. The label of references is several labels with <see cref="PageTask.LabelSeparator"/> between them. For the form of the texts see <see cref="TsvText"/>.
/// </summary>
public static class ManualPageData
{
    /// <summary>The names of the tasks.</summary>
    public static readonly IReadOnlyList<string> Tasks = ["section", "project", "era", References];

    /// <summary>The name of the task with several labels per page.</summary>
    public const string References = "references";

    // The version of the rules in this folder. A change that alters the files must increase it, so that old files are created again.
    private const string RulesVersion = "2";

    /// <summary>artifacts/data/manpages in the repository that the program lies in, else in the current directory.</summary>
    public static string DefaultFolder => DataFolder.Path("manpages");

    /// <summary>The documents to train on.</summary>
    public static string TrainFile(string folder, string task) => TaskFile(folder, task, "train");

    /// <summary>The documents to test on.</summary>
    public static string TestFile(string folder, string task) => TaskFile(folder, task, "test");

    /// <summary>All documents of era, each with its fold.</summary>
    public static string FoldsFile(string folder) => Path.Combine(folder, "era.folds.tsv");

    /// <summary>Fetches the packages and creates the files, unless all files exist.</summary>
    /// <param name="folder">The folder of the packages and of the files.</param>
    /// <param name="report">Receives lines of progress and the statistics.</param>
    /// <param name="rebuild">Creates the files again from the packages in the folder.</param>
    /// <exception cref="InvalidOperationException">The pages can't be fetched or rendered; the message says the remedy.</exception>
    public static void Prepare(string folder, Action<string> report, bool rebuild = false)
    {
        string stamp = Path.Combine(folder, "rules.version");
        string statistics = Path.Combine(folder, "statistics.txt");
        if (!rebuild && File.Exists(stamp) && File.ReadAllText(stamp) == RulesVersion)
        {
            foreach (string line in File.ReadLines(statistics))
                report(line);
            return;
        }

        FetchScript.Run("fetch-manual-pages.sh", folder);
        File.Delete(stamp);
        var watch = Stopwatch.StartNew();
        var corpus = ManualPageCorpus.Read(Path.Combine(folder, "man"));
        var lines = new List<string> { corpus.Summary };
        foreach (var task in new[] { corpus.Section(), corpus.Project(), corpus.Era(), corpus.References() })
        {
            WriteLines(TrainFile(folder, task.Name), task.Train.Select(Line));
            WriteLines(TestFile(folder, task.Name), task.Test.Select(Line));
            if (task.Name == "era")
                WriteLines(FoldsFile(folder), task.Pages.Select(page => string.Create(CultureInfo.InvariantCulture, $"{Line(page)}\t{page.Fold}")));
            lines.Add($"{task.Name} train: {LengthStatistics.Of(task.Train.Select(page => page.Text))}");
            lines.Add($"{task.Name} test: {LengthStatistics.Of(task.Test.Select(page => page.Text))}");
            lines.Add($"{task.Name} classes: " + string.Join(", ", task.Pages
                .SelectMany(page => task.Name == References ? page.Label.Split(PageTask.LabelSeparator) : [page.Label]).CountBy(label => label).OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} {c.Value}")));
        }

        WriteLines(statistics, lines);
        File.WriteAllText(stamp, RulesVersion);
        lines.ForEach(report);
        report(string.Create(CultureInfo.InvariantCulture, $"rendered, cleaned and split in {watch.Elapsed.TotalSeconds:F0} s"));
    }

    /// <summary>Reads a file of a task, the texts with their line breaks.</summary>
    /// <exception cref="FormatException">A line has no tab.</exception>
    public static IEnumerable<(string Label, string Text)> Read(string path)
    {
        int number = 0;
        foreach (string line in File.ReadLines(path))
        {
            number++;
            string[] fields = line.Split('\t');
            if (fields.Length < 2)
                throw new FormatException($"A line must be 'label TAB text', but line {number} of '{path}' has no tab.");
            yield return (fields[0], TsvText.Decode(fields[1]));
        }
    }

    private static string Line(LabeledPage page) => $"{page.Label}\t{TsvText.Encode(page.Text)}";

    private static string TaskFile(string folder, string task, string part) => Tasks.Contains(task)
        ? Path.Combine(folder, $"{task}.{part}.tsv")
        : throw new ArgumentException($"The task must be one of {string.Join(", ", Tasks)}, but is '{task}'.", nameof(task));

    // A file appears whole or not at all.
    private static void WriteLines(string path, IEnumerable<string> lines)
    {
        File.WriteAllLines(path + ".part", lines);
        File.Move(path + ".part", path, overwrite: true);
    }
}
