namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>agree</c>: a report on the color of the ferry in the first quarter, another in the last quarter, and a report on the color of something else anywhere.
/// The class says whether the two reports on the ferry agree.
/// </summary>
/// <remarks>
/// Each color is equally frequent in each report in both classes. Two of the three reports name one color and the third names another color in both classes:
/// where the reports on the ferry agree, the third report differs; where they differ, the third report agrees with either of them. So the multiset of words,
/// and of n-grams up to three words, has the same distribution in both classes, and every function of it is at chance, linear or not.
/// </remarks>
internal sealed class AgreeTask(int words, Prose training, Prose test) : StatementTask("agree", words, training, test)
{
    internal static readonly IReadOnlyList<string> Colors = ["green", "red", "blue", "yellow"];

    private static readonly string[] s_speakers = ["harbor master", "night watchman", "surveyor", "parish clerk"];
    private static readonly string[] s_others = ["bridge", "windmill", "chapel"];

    internal override StatementSet Draw(int index, TaskRandom random)
    {
        bool agrees = index % 2 == 0;
        string[] colors = random.Shuffle(Colors);
        string early = colors[0], late = agrees ? early : colors[1];
        string other = agrees ? colors[1] : colors[random.Next(2)];
        return new StatementSet(agrees ? "agree" : "differ", Report(StatementPlace.FirstQuarter, "ferry", early),
            Report(StatementPlace.LastQuarter, "ferry", late), Report(StatementPlace.Anywhere, random.Choose(s_others), other));

        Statement Report(StatementPlace place, string subject, string color) =>
            new(place, $"Report of the {random.Choose(s_speakers)}: the {subject} is painted {color}.");
    }
}
