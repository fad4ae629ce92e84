using System.Globalization;
using System.Text;
using Maha.Samples.Data.ManualPages;

namespace Maha.Benchmarks.Classification;

/// <summary>
/// <c>passages</c>: makes two tasks for <c>learn</c> from the manual pages. In <c>passages</c> a document is 40 to 80 words of a page for users or for
/// programmers. In <c>mixtures</c> a document is 18 to 36 such passages as paragraphs, and the class is the share of passages for users: a third, a half or
/// two thirds. No single passage gives the class away.
/// </summary>
/// <remarks>
/// Training and test passages come from different pages, and no passage is used twice. The files are the same for the same pages and draw. Another draw shuffles
/// the passages of the same pages anew, so that what was chosen on one can be checked on another.
/// </remarks>
internal static class PassagesCommand
{
    private const int WordsOfPassage = 40;

    // The number of passages for users among six.
    private static readonly (string Label, int OfSix)[] s_classes = [("few", 2), ("even", 3), ("many", 4)];

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        string pages = options.Text("--pages", ManualPageData.DefaultFolder), folder = options.Text("--out", Path.Combine("artifacts", "data", "passages"));
        int draw = options.Integer("--draw", 1);
        options.RefuseLeft();
        Directory.CreateDirectory(folder);
        var task = Read(pages);
        Write("train", Make(task.Train, seed: (2 * draw) - 1, passagesOfKind: 2500));
        Write("test", Make(task.Test, seed: 2 * draw, passagesOfKind: 600));
        return ExitCode.Success;

        void Write(string part, (string[] Passages, List<string> Mixtures) lines)
        {
            foreach (var (name, documents) in new (string, IReadOnlyCollection<string>)[] { ("passages", lines.Passages), ("mixtures", lines.Mixtures) })
            {
                string path = Path.Combine(folder, $"{name}.{part}.tsv");
                File.WriteAllLines(path, documents);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {documents.Count} documents"));
            }
        }
    }

    private static PageTask Read(string pages)
    {
        try
        {
            ManualPageData.Prepare(pages, line => Console.Error.WriteLine(line));
            return ManualPageCorpus.Read(Path.Combine(pages, "man")).Reader();
        }
        catch (InvalidOperationException problem)
        {
            throw new UsageException($"{problem.Message} ./run.sh --quick installs what is missing.");
        }
    }

    /// <summary>The lines of both tasks, label TAB text.</summary>
    /// <param name="pages">Pages of the classes user and programmer, with enough text for the passages of each.</param>
    /// <param name="seed">The seed of the draws.</param>
    /// <param name="passagesOfKind">The number of passages of each class that become documents of their own; the rest become mixtures.</param>
    internal static (string[] Passages, List<string> Mixtures) Make(IEnumerable<LabeledPage> pages, int seed, int passagesOfKind)
    {
        var random = new Random(seed);
        var kinds = pages.GroupBy(page => page.Label).OrderBy(kind => kind.Key, StringComparer.Ordinal).ToDictionary(kind => kind.Key, kind =>
        {
            string[] passages = [.. kind.SelectMany(page => Passages(page.Text)).Distinct()];
            random.Shuffle(passages);
            return new Queue<string>(passages);
        });
        string[] lines = [.. kinds.SelectMany(kind => Take(kind.Value, passagesOfKind).Select(text => $"{kind.Key}\t{TsvText.Encode(text)}"))];
        random.Shuffle(lines);

        var mixtures = new List<string>();
        for (int i = 0; ; i++)
        {
            var (label, ofSix) = s_classes[i % s_classes.Length];
            int sixes = random.Next(3, 7), users = sixes * ofSix, programmers = sixes * (6 - ofSix);
            if (kinds["user"].Count < users || kinds["programmer"].Count < programmers)
                return (lines, mixtures);
            string[] texts = [.. Take(kinds["user"], users), .. Take(kinds["programmer"], programmers)];
            random.Shuffle(texts);
            mixtures.Add($"{label}\t{TsvText.Encode(string.Join("\n\n", texts))}");
        }
    }

    private static List<string> Take(Queue<string> passages, int count) => [.. Enumerable.Range(0, count).Select(_ => passages.Dequeue())];

    // Paragraphs of a page, joined until they have enough words; what is left at the end is too short, and a very long paragraph is left out.
    private static IEnumerable<string> Passages(string page)
    {
        var text = new StringBuilder();
        int words = 0;
        foreach (string paragraph in page.Split("\n\n"))
        {
            text.Append(text.Length > 0 ? "\n" : "").Append(paragraph);
            words += paragraph.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length;
            if (words < WordsOfPassage)
                continue;
            if (words <= 2 * WordsOfPassage)
                yield return text.ToString();
            text.Clear();
            words = 0;
        }
    }
}
