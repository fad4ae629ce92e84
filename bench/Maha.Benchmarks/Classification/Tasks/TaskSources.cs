using Maha.Samples.Data;
using Maha.Samples.Data.JaneAusten;

namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>The texts that documents are made of; each source is fetched when it is first used.</summary>
internal sealed class TaskSources
{
    // No training document of the tasks with statements has a sentence of these novels.
    private static readonly string[] s_testNovels = [JaneAustenData.HeldOut, "sensesensibility"];

    private readonly Lazy<IReadOnlyList<Novel>> _novels = new(() => Fetch(() => JaneAustenData.Prepare(JaneAustenData.DefaultFolder)));
    private readonly Lazy<(Prose, Prose)> _prose;
    private readonly Lazy<(Prose[], Prose[])> _chapters;
    private readonly Lazy<Bible> _bible = new(() => Fetch(FetchBible));

    public TaskSources()
    {
        _prose = new(() => (ProseOf(isTest: false), ProseOf(isTest: true)));
        _chapters = new(() => ([.. _novels.Value.Select(novel => Chapters(novel.Text, areTest: false))],
            [.. _novels.Value.Select(novel => Chapters(novel.Text, areTest: true))]));
    }

    /// <summary>The sentences of the training novels and of the test novels.</summary>
    public (Prose Training, Prose Test) Novels => _prose.Value;

    /// <summary>The training chapters and the test chapters of each novel.</summary>
    public (Prose[] Training, Prose[] Test) NovelChapters => _chapters.Value;

    public Bible Bible => _bible.Value;

    /// <summary>The poetry of the Bible, from other books for test documents.</summary>
    public (Prose Training, Prose Test) Poetry => Bible.Verses("poetry");

    /// <summary>Every fifth chapter, or the other four of five.</summary>
    internal static Prose Chapters(string novel, bool areTest)
    {
        string[] parts = [.. novel.Split("\n\n")];
        int[] headings = [.. Enumerable.Range(0, parts.Length).Where(i => parts[i].StartsWith("chapter ", StringComparison.OrdinalIgnoreCase))];
        return new Prose(headings
            .Select((start, i) => (Number: i, Text: string.Join("\n\n", parts[(start + 1)..(i + 1 < headings.Length ? headings[i + 1] : parts.Length)])))
            .Where(chapter => (chapter.Number % 5 == 4) == areTest)
            .Select(chapter => Prose.Sentences(chapter.Text).ToArray()));
    }

    private Prose ProseOf(bool isTest) => new(_novels.Value.Where(novel => s_testNovels.Contains(novel.Name) == isTest)
        .Select(novel => Prose.Sentences(novel.Text).ToArray()));

    private static Bible FetchBible()
    {
        string folder = Path.Combine(Path.GetDirectoryName(JaneAustenData.DefaultFolder)!, "bible");
        FetchScript.Run("fetch-bible.sh", folder);
        return Bible.Read(Path.Combine(folder, "kjv.txt"));
    }

    private static T Fetch<T>(Func<T> source)
    {
        try
        {
            return source();
        }
        catch (InvalidOperationException problem)
        {
            throw new UsageException(problem.Message);
        }
    }
}
