namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>excerpts</c>: three excerpts of Jane Austen's novels with a passage of biblical poetry between each two. The class says whether the first excerpt and the
/// last are of the same novel.
/// </summary>
/// <remarks>
/// Two of the three excerpts are always of one novel and the third is of another, and all novels are equally likely: the multiset of words has the same
/// distribution in both classes. Neighboring parts are never of one source, so what a window reads where two parts meet does not tell the class either.
/// Training and test documents are made of different chapters of the same six novels.
/// </remarks>
/// <param name="words">The number of words of a document, about; each part has a fifth of them.</param>
/// <param name="training">The training chapters of each novel.</param>
/// <param name="test">The test chapters of each novel.</param>
/// <param name="poetry">The poetry of the training and of the test documents.</param>
internal sealed class ExcerptsTask(int words, Prose[] training, Prose[] test, (Prose Training, Prose Test) poetry) : DocumentTask("excerpts")
{
    /// <summary>The line between parts.</summary>
    internal const string Separator = "* * *";

    public override TaskDocument Make(TaskPart part, int index, TaskRandom random)
    {
        bool isSame = index % 2 == 0;
        var novels = part == TaskPart.Train ? training : test;
        int twice = random.Next(novels.Length), once = (twice + 1 + random.Next(novels.Length - 1)) % novels.Length;
        int placeOfOnce = isSame ? 1 : 2 * random.Next(2), length = words / 5;

        var first = novels[twice].Excerpt(random, length);
        var second = novels[twice].Excerpt(random, length, unlike: first);
        var queue = new Queue<string>([Prose.Text(first), Prose.Text(second)]);
        var verses = part == TaskPart.Train ? poetry.Training : poetry.Test;
        var parts = new List<string>();
        for (int place = 0; place < 3; place++)
        {
            if (place > 0)
                parts.Add(Prose.Text(verses.Excerpt(random, length)));
            parts.Add(place == placeOfOnce ? Prose.Text(novels[once].Excerpt(random, length)) : queue.Dequeue());
        }
        return new TaskDocument(isSame ? "same" : "other", string.Join($"\n\n{Separator}\n\n", parts));
    }
}
