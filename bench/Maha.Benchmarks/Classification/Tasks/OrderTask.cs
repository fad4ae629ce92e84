namespace Maha.Benchmarks.Classification.Tasks;

/// <summary><c>order</c>: two statements anywhere in the document. The class says which of them comes first.</summary>
/// <remarks>
/// The pair of statements is one of six, and both statements are always present: the multiset of words has the same distribution in both classes. So has the
/// sum of any values of windows that do not know where they are. Where values of windows depend on the window's place, the sum can tell the order.
/// </remarks>
internal sealed class OrderTask(int words, Prose training, Prose test) : StatementTask("order", words, training, test)
{
    /// <summary>The pairs. The class is <c>before</c> where the first statement of the pair comes before the second, else <c>after</c>.</summary>
    internal static readonly IReadOnlyList<(string First, string Second)> Pairs =
    [
        ("The bell of the north tower rang.", "The bell of the south tower rang."),
        ("The gate of the upper mill was opened.", "The gate of the lower mill was opened."),
        ("The ship from Norway came in.", "The ship from Portugal came in."),
        ("The lamp of the east wing was lit.", "The lamp of the west wing was lit."),
        ("The copper kettle was sold.", "The silver kettle was sold."),
        ("The elder surgeon was sent for.", "The younger surgeon was sent for."),
    ];

    internal override StatementSet Draw(int index, TaskRandom random)
    {
        var (first, second) = random.Choose(Pairs);
        bool isBefore = index % 2 == 0;
        return new StatementSet(isBefore ? "before" : "after",
            new Statement(StatementPlace.Anywhere, isBefore ? first : second), new Statement(StatementPlace.Anywhere, isBefore ? second : first));
    }
}
