using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Maha.Samples.Data.ManualPages;

namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>tasks</c>: makes labeled documents for <c>learn</c>. In <c>order</c>, <c>agree</c>, <c>latest</c>, <c>question</c>, <c>excerpts</c> and
/// <c>listops</c> the class depends on a relation of distant parts; in <c>scripture</c> and <c>spread</c> on a sum over the parts.
/// </summary>
/// <remarks>
/// The files are TASK.WORDS.train.tsv and TASK.WORDS.test.tsv (listops.MIN-MAX for ListOps), label TAB text, one document per line. They are the same for the
/// same options. A larger number of documents begins with the documents of a smaller one, and no text occurs twice in the two files of a task.
/// </remarks>
internal static class TasksCommand
{
    public const string Arguments =
        "[--task order|agree|latest|question|excerpts|listops|scripture|spread...] [--words N...] [--tokens MIN MAX] [--documents N] [--test-documents N] "
        + "[--seed S] [--out FOLDER]";

    private static readonly string[] s_names = ["order", "agree", "latest", "question", "excerpts", "listops", "scripture", "spread"];

    public static int Run(string[] args)
    {
        var options = new OptionReader(args);
        var names = options.Texts("--task", s_names);
        var words = options.Integers("--words", [600]);
        var tokens = options.Integers("--tokens", [500, 2000]);
        int documents = options.Integer("--documents", 8000), testDocuments = options.Integer("--test-documents", 1000), seed = options.Integer("--seed", 1);
        string folder = options.Text("--out", Path.Combine("artifacts", "data", "tasks"));
        options.RefuseLeft();
        if (names.FirstOrDefault(name => !s_names.Contains(name)) is { } unknown)
            throw new UsageException($"--task takes {string.Join(", ", s_names)}, but got '{unknown}'.");
        if (tokens is not [int minTokens, int maxTokens])
            throw new UsageException("--tokens takes two numbers, the lower and the upper limit.");
        if (words.FirstOrDefault(count => count < 100) is > 0 and var few)
            throw new UsageException($"--words must be at least 100, so that the statements fit, but got {few}.");

        Directory.CreateDirectory(folder);
        var sources = new TaskSources();
        foreach (string name in names)
        {
            if (name == "listops")
            {
                Write(new ListOpsTask(minTokens, maxTokens), string.Create(CultureInfo.InvariantCulture, $"{minTokens}-{maxTokens}"));
                continue;
            }
            foreach (int count in words)
                Write(Create(name, count, sources), count.ToString(CultureInfo.InvariantCulture));
        }
        return ExitCode.Success;

        void Write(DocumentTask task, string size)
        {
            var seen = new HashSet<UInt128>();
            foreach (var (part, count) in new[] { (TaskPart.Train, documents), (TaskPart.Test, testDocuments) })
            {
                var watch = Stopwatch.StartNew();
                string path = Path.Combine(folder, $"{task.Name}.{size}.{(part == TaskPart.Train ? "train" : "test")}.tsv");
                WriteFile(path, Documents(task, size, part, count, seed, seen));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{path}: {count} documents, {watch.Elapsed.TotalSeconds:F1} s"));
            }
        }
    }

    /// <summary>Makes the documents of a file.</summary>
    /// <param name="task">The task.</param>
    /// <param name="size">The size in the name of the file.</param>
    /// <param name="part">The use of the file.</param>
    /// <param name="count">The number of documents.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="seen">The hashes of the texts of this task so far, which do not occur again; those of this file are added.</param>
    internal static IEnumerable<TaskDocument> Documents(DocumentTask task, string size, TaskPart part, int count, int seed, HashSet<UInt128> seen)
    {
        for (int index = 0, made = 0; made < count; index++)
        {
            var document = task.Make(part, index, new TaskRandom(seed, $"{task.Name}.{size}.{part}", index));
            if (seen.Add(Hash(document.Text)))
            {
                made++;
                yield return document;
            }
            else if (index > 20 * count)
            {
                throw new UsageException($"There are not {count} different documents of {task.Name}. Use fewer documents or longer ones.");
            }
        }
    }

    private static UInt128 Hash(string text) => BinaryPrimitives.ReadUInt128LittleEndian(SHA256.HashData(MemoryMarshal.AsBytes(text.AsSpan())));

    // A file appears whole or not at all.
    private static void WriteFile(string path, IEnumerable<TaskDocument> documents)
    {
        using (var writer = new StreamWriter(path + ".part", append: false, new UTF8Encoding(false)) { NewLine = "\n" })
        {
            foreach (var document in documents)
            {
                writer.Write(document.Label);
                writer.Write('\t');
                writer.WriteLine(TsvText.Encode(document.Text));
            }
        }
        File.Move(path + ".part", path, overwrite: true);
    }

    private static DocumentTask Create(string name, int words, TaskSources sources) => name switch
    {
        "order" => new OrderTask(words, sources.Novels.Training, sources.Novels.Test),
        "agree" => new AgreeTask(words, sources.Novels.Training, sources.Novels.Test),
        "latest" => new LatestTask(words, sources.Novels.Training, sources.Novels.Test),
        "question" => new QuestionTask(words, sources.Novels.Training, sources.Novels.Test),
        "excerpts" => new ExcerptsTask(words, sources.NovelChapters.Training, sources.NovelChapters.Test, sources.Poetry),
        "scripture" => new ScriptureTask(words, sources.Bible),
        _ => new SpreadTask(words, sources.Bible),
    };
}
