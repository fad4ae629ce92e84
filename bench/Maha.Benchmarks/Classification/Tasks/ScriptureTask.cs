namespace Maha.Benchmarks.Classification.Tasks;

/// <summary><c>scripture</c>: a contiguous excerpt of the Bible. The class is the kind of the book, one of <see cref="Bible.Kinds"/>.</summary>
/// <remarks>The test documents are of books that no training document is of. An excerpt may go on in the next book of its kind.</remarks>
internal sealed class ScriptureTask(int words, Bible bible) : DocumentTask("scripture")
{
    private readonly (string Label, (Prose Training, Prose Test) Verses)[] _kinds = [.. Bible.Kinds.Select(kind => (kind.Label, bible.Verses(kind.Label)))];

    public override TaskDocument Make(TaskPart part, int index, TaskRandom random)
    {
        var (label, (training, test)) = _kinds[index % _kinds.Length];
        return new TaskDocument(label, Prose.Text((part == TaskPart.Train ? training : test).Excerpt(random, words)));
    }
}
