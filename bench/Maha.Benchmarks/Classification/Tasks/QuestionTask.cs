namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>question</c>: the document starts with a question for the place of one of four items, and statements anywhere say where each of the items is. The class
/// is the place of the item that the question asks for.
/// </summary>
/// <remarks>
/// All four items and all four places are in every document, and which item is at which place is independent of which item the question asks for: the multiset
/// of words has the same distribution in all classes. A statement alone does not tell the class either, because a quarter of the questions are about its item.
/// A sum over the windows is at chance. Their maximum is not: max(question does not ask for the item, item is at the place) relates two windows.
/// </remarks>
internal sealed class QuestionTask(int words, Prose training, Prose test) : StatementTask("question", words, training, test)
{
    internal static readonly IReadOnlyList<string> Items = ["lantern", "ladder", "trunk", "anchor"];
    internal static readonly IReadOnlyList<string> Places = ["cellar", "attic", "barn", "greenhouse"];

    internal override StatementSet Draw(int index, TaskRandom random)
    {
        int asked = random.Next(Items.Count), label = index % Places.Count;
        string[] others = random.Shuffle(Places.Where((_, place) => place != label));
        var evidence = Items.Select((item, i) => (item, place: i == asked ? Places[label] : others[i < asked ? i : i - 1]));
        return new StatementSet(Places[label],
        [
            new Statement(StatementPlace.Start, $"Question: where did Oliver put the {Items[asked]}?"),
            .. random.Shuffle(evidence).Select(pair => new Statement(StatementPlace.Anywhere, $"Oliver put the {pair.item} in the {pair.place}.")),
        ]);
    }
}
