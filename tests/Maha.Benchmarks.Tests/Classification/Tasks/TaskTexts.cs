using Maha.Benchmarks.Classification.Tasks;

namespace Maha.Benchmarks.Tests.Classification.Tasks;

/// <summary>Small sources for documents.</summary>
internal static class TaskTexts
{
    /// <summary>Sentences of five words; the first word is the name of the source.</summary>
    public static Prose Prose(params string[] names) => new(names.Select(name =>
        Enumerable.Range(0, 4000).Select(i => new Sentence($"{name} word{i % 7} word{i % 11} word{i % 13} number{i}.", 5, i % 6 == 0)).ToArray()));

    /// <summary>Verses of all books that tasks use; the first word of a verse is the name of its book, and one is the kind of the book.</summary>
    public static Bible Bible() => new(
        from kind in Maha.Benchmarks.Classification.Tasks.Bible.Kinds
        from name in kind.Training.Concat(kind.Test)
        from chapter in Enumerable.Range(1, 20)
        from verse in Enumerable.Range(1, 15)
        select $"{name}{chapter}:{verse} {name} chapter {chapter} verse {verse} {kind.Label} so on.");

    /// <summary>The first documents of a file.</summary>
    public static TaskDocument[] Documents(DocumentTask task, int count, TaskPart part = TaskPart.Train, int seed = 1) =>
        [.. TasksCommand.Documents(task, "100", part, count, seed, [])];
}
