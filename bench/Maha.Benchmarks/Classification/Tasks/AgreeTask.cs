namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>agree</c>: a report on the color of the ferry in the first quarter, another in the last quarter, and a third between them. The class says whether the
/// first and the last report agree.
/// </summary>
/// <remarks>
/// Two of the three reports name one color and the third names another color in both classes, and each color is equally frequent in each report. So the
/// multiset of words, and of statements, has the same distribution in both classes: not only a sum over the parts of a document is at chance, but every
/// function that does not know their order, such as the maximum.
/// </remarks>
internal sealed class AgreeTask(int words, Prose training, Prose test) : StatementTask("agree", words, training, test)
{
    internal static readonly IReadOnlyList<string> Colors = ["green", "red", "blue", "yellow"];

    private static readonly string[] s_speakers = ["harbor master", "night watchman", "surveyor", "parish clerk"];

    internal override StatementSet Draw(int index, TaskRandom random)
    {
        bool agrees = index % 2 == 0;
        string[] colors = random.Shuffle(Colors);
        string twice = colors[0], once = colors[1];
        var (early, between, late) = agrees ? (twice, once, twice) : random.Next(2) == 0 ? (twice, twice, once) : (once, twice, twice);
        return new StatementSet(agrees ? "agree" : "differ",
            Report(StatementPlace.FirstQuarter, early), Report(StatementPlace.Between, between), Report(StatementPlace.LastQuarter, late));

        Statement Report(StatementPlace place, string color) => new(place, $"Report of the {random.Choose(s_speakers)}: the ferry is painted {color}.");
    }
}
