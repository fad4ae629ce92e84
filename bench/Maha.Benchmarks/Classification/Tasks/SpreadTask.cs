namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>spread</c>: short passages of the Bible as paragraphs, from books of history and of prophets. The class is the share of passages of prophets: a third,
/// a half or two thirds. No single passage tells the class; a count of what kind each passage is of does.
/// </summary>
/// <remarks>The test documents are of books that no training document is of. A passage may be in several documents, but only once in each.</remarks>
/// <param name="words">The number of words of a document, about. The number of passages is a multiple of six with about 50 words each.</param>
/// <param name="bible">The text.</param>
internal sealed class SpreadTask(int words, Bible bible) : DocumentTask("spread")
{
    private const int WordsOfPassage = 50;

    // The number of passages of prophets among six.
    private static readonly (string Label, int OfSix)[] s_classes = [("few", 2), ("even", 3), ("many", 4)];

    private readonly (Prose Training, Prose Test) _history = bible.Verses("history"), _prophets = bible.Verses("prophets");

    public override TaskDocument Make(TaskPart part, int index, TaskRandom random)
    {
        var (label, ofSix) = s_classes[index % s_classes.Length];
        int sixes = Math.Max(1, (int)Math.Round(words / (6.0 * WordsOfPassage)));
        var passages = new List<string>();
        Add(_prophets, sixes * ofSix);
        Add(_history, 6 * sixes);
        return new TaskDocument(label, string.Join("\n\n", random.Shuffle(passages)));

        void Add((Prose Training, Prose Test) source, int until)
        {
            // An excerpt ends with a verse, which brings it some words above what is asked for.
            while (passages.Count < until)
            {
                string passage = Prose.Text((part == TaskPart.Train ? source.Training : source.Test).Excerpt(random, WordsOfPassage - 5));
                if (!passages.Contains(passage))
                    passages.Add(passage);
            }
        }
    }
}
