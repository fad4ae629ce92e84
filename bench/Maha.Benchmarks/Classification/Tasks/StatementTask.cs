using System.Text;

namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>The part of a document in which a statement may be.</summary>
internal enum StatementPlace
{
    /// <summary>Before the prose.</summary>
    Start,

    /// <summary>Between two sentences of the first quarter of the prose.</summary>
    FirstQuarter,

    /// <summary>Between any two sentences.</summary>
    Anywhere,

    /// <summary>Between the statement of the first quarter and that of the last quarter.</summary>
    Between,

    /// <summary>Between two sentences of the last quarter of the prose.</summary>
    LastQuarter,
}

/// <summary>A sentence that the class depends on.</summary>
internal readonly record struct Statement(StatementPlace Place, string Text);

/// <summary>
/// The statements of a document and its class. Statements of <see cref="StatementPlace.Anywhere"/> keep their order. A document has at most one
/// statement in the first quarter and one in the last.
/// </summary>
internal sealed record StatementSet(string Label, params Statement[] Statements);

/// <summary>A task whose documents are prose with a few statements between the sentences. The class depends on the statements alone.</summary>
/// <remarks>The prose is drawn without regard to the class, so whatever is independent of the class in the statements is so in the documents.</remarks>
/// <param name="name">The name of the task.</param>
/// <param name="words">The number of words of a document, about.</param>
/// <param name="training">The prose of the training documents.</param>
/// <param name="test">The prose of the test documents.</param>
internal abstract class StatementTask(string name, int words, Prose training, Prose test) : DocumentTask(name)
{
    /// <summary>Draws the statements of a document.</summary>
    internal abstract StatementSet Draw(int index, TaskRandom random);

    public sealed override TaskDocument Make(TaskPart part, int index, TaskRandom random)
    {
        var set = Draw(index, random);
        int wordsOfStatements = set.Statements.Sum(statement => statement.Text.Count(c => c == ' ') + 1);
        var prose = (part == TaskPart.Train ? training : test).Excerpt(random, Math.Max(words - wordsOfStatements, 20));
        return new TaskDocument(set.Label, Insert(set.Statements, prose, random));
    }

    // A gap is before the sentence of its number; the last one is after the last sentence.
    private static string Insert(Statement[] statements, ReadOnlySpan<Sentence> prose, TaskRandom random)
    {
        int numWords = 0, before = 0;
        foreach (var sentence in prose)
            numWords += sentence.Words;
        var first = new List<int>();
        var last = new List<int>();
        for (int gap = 0; gap <= prose.Length; gap++)
        {
            if (4 * before <= numWords)
                first.Add(gap);
            if (4 * before >= 3 * numWords)
                last.Add(gap);
            before += gap < prose.Length ? prose[gap].Words : 0;
        }

        int numGaps = prose.Length + 1;
        var anywhere = new Queue<int>(statements.Where(statement => statement.Place == StatementPlace.Anywhere).Select(_ => random.Next(numGaps)).Order());
        int early = random.Choose(first), late = random.Choose(last);
        // Statements of one gap keep their order.
        var byGap = statements.Select(statement => (statement.Text, Gap: statement.Place switch
        {
            StatementPlace.Start => 0,
            StatementPlace.FirstQuarter => early,
            StatementPlace.Between => early + random.Next(late - early + 1),
            StatementPlace.LastQuarter => late,
            _ => anywhere.Dequeue(),
        })).ToLookup(pair => pair.Gap, pair => pair.Text);

        var text = new StringBuilder();
        for (int gap = 0; gap < numGaps; gap++)
        {
            foreach (string statement in byGap[gap])
                text.Append(text.Length > 0 ? " " : "").Append(statement);
            if (gap < prose.Length)
                text.Append(text.Length == 0 ? "" : prose[gap].StartsParagraph ? "\n\n" : " ").Append(prose[gap].Text);
        }
        return text.ToString();
    }
}
