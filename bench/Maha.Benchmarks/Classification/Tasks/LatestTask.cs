namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>latest</c>: four statements anywhere in the document, that a thing was painted in each of four colors. The class is the last color, that of the thing
/// in the end.
/// </summary>
/// <remarks>
/// All four statements are in every document, so the multiset of words has the same distribution in all classes: order alone tells them apart. The color is in
/// the middle of its statement, because statements may follow each other: a color at the end would make an n-gram with the next statement, or with the end of
/// the text.
/// </remarks>
internal sealed class LatestTask(int words, Prose training, Prose test) : StatementTask("latest", words, training, test)
{
    internal static readonly IReadOnlyList<string> Colors = ["green", "red", "blue", "yellow"];

    private static readonly string[] s_things = ["ferry", "bridge", "windmill", "chapel"];

    internal override StatementSet Draw(int index, TaskRandom random)
    {
        string last = Colors[index % Colors.Count], thing = random.Choose(s_things);
        string[] before = random.Shuffle(Colors.Where(color => color != last));
        return new StatementSet(last, Painted(before[0]), Painted(before[1]), Painted(before[2]), Painted(last));

        Statement Painted(string color) => new(StatementPlace.Anywhere, $"The {thing} was painted {color} by the mason.");
    }
}
