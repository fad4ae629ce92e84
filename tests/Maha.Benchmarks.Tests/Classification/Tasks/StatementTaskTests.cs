using System.Text.RegularExpressions;
using Maha.Benchmarks.Classification;
using Maha.Benchmarks.Classification.Tasks;

namespace Maha.Benchmarks.Tests.Classification.Tasks;

public class StatementTaskTests
{
    public static TheoryData<string> Names => ["order", "agree", "latest", "question"];

    [Theory]
    [MemberData(nameof(Names))]
    public void MultisetOfWords_AndEachStatementInItsPlace_AreIndependentOfTheClass(string name)
    {
        var task = Create(name, 100);
        var words = new DependenceTest();
        var single = new DependenceTest();
        var all = new DependenceTest();
        for (int i = 0; i < 60_000; i++)
        {
            var set = task.Draw(i, new TaskRandom(3, name, i));
            // The speakers of reports are drawn independently; without them there are few enough multisets to count.
            string[] texts = [.. set.Statements.Select(statement => Regex.Replace(statement.Text, "^Report of the [a-z ]+:", "Report:"))];
            words.Add(set.Label, string.Join(' ', texts.SelectMany(text => text.Split(' ')).Order(StringComparer.Ordinal)));
            foreach (var (statement, text) in set.Statements.Zip(texts))
                single.Add(set.Label, $"{statement.Place} {text}");
            all.Add(set.Label, string.Join(' ', texts));
        }
        Assert.InRange(words.Deviation, -6, 6);
        Assert.InRange(single.Deviation, -6, 6);
        // The same count finds the relation.
        Assert.True(all.Deviation > 1000, $"{all.Deviation}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Documents_AreOfEqualClasses_AndTheirStatementsDetermineTheClass(string name)
    {
        var task = Create(name, 200);
        var documents = TaskTexts.Documents(task, 600);
        var counts = documents.CountBy(document => document.Label).ToList();
        Assert.Equal(name is "question" or "latest" ? 4 : 2, counts.Count);
        Assert.All(counts, pair => Assert.Equal(600 / counts.Count, pair.Value));
        foreach (var (label, text) in documents)
        {
            Assert.Equal(label, Read(name, text));
            Assert.InRange(text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 185, 205);
            Assert.Contains("training", text);
            Assert.DoesNotContain("testing", text);
        }
        Assert.All(TaskTexts.Documents(task, 100, TaskPart.Test), document =>
        {
            Assert.Equal(document.Label, Read(name, document.Text));
            Assert.Contains("testing", document.Text);
            Assert.DoesNotContain("training", document.Text);
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Statements_AreInTheirPartOfTheDocument(string name)
    {
        var places = new Dictionary<string, List<double>>();
        foreach (var (_, text) in TaskTexts.Documents(Create(name, 400), 600))
        {
            int numReports = 0;
            foreach (Match match in Regex.Matches(text, @"Question:|Report of the [a-z ]+: the (ferry)?|(?<!did )Oliver put|"
                + @"The [A-Za-z ]+ (rang|opened|came in|lit|sold|sent for|by the mason)\."))
            {
                bool isQuestion = match.Value == "Question:";
                string kind = match.Groups[1].Success ? $"ferry {++numReports}" : isQuestion ? "question" : "any";
                places.TryAdd(kind, []);
                places[kind].Add((double)match.Index / text.Length);
            }
        }
        if (name == "agree")
        {
            Assert.All(places["ferry 1"], place => Assert.InRange(place, 0, 0.3));
            Assert.All(places["ferry 3"], place => Assert.InRange(place, 0.7, 1));
            Assert.InRange(places["ferry 2"].Average(), 0.4, 0.6);
            return;
        }
        if (name == "question")
            Assert.All(places["question"], place => Assert.Equal(0, place));
        // Uniform between the sentences: all tenths of the document are about equally frequent.
        int[] tenths = [.. Enumerable.Range(0, 10).Select(tenth => places["any"].Count(place => (int)(place * 10) == tenth))];
        Assert.All(tenths, count => Assert.InRange(count, 0.05 * places["any"].Count, 0.16 * places["any"].Count));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void BagOfWords_IsAtChance(string name)
    {
        // In short documents statements follow each other, so that n-grams over their ends would tell their order.
        var task = Create(name, 100);
        var judgment = Baseline(task, 3000, 2000);
        double chance = name is "question" or "latest" ? 0.25 : 0.5;
        // Four standard deviations of the count of 2,000 documents.
        Assert.InRange(judgment.Accuracy, chance - 0.045, chance + 0.045);
    }

    [Fact]
    public void BagOfWords_LearnsASum() => Assert.InRange(Baseline(new SpreadTask(300, TaskTexts.Bible()), 300, 200).Accuracy, 0.6, 1);

    [Fact]
    public void SeedAndSize_DetermineTheDocuments_AndMoreDocumentsBeginWithThoseOfFewer()
    {
        var task = Create("agree", 100);
        var documents = TaskTexts.Documents(task, 50);
        Assert.Equal(documents, TaskTexts.Documents(Create("agree", 100), 50));
        Assert.Equal(documents, TaskTexts.Documents(task, 80)[..50]);
        Assert.NotEqual(documents, TaskTexts.Documents(task, 50, seed: 2));
        Assert.NotEqual(documents, [.. TasksCommand.Documents(task, "200", TaskPart.Train, 50, 1, [])]);
    }

    [Fact]
    public void Texts_DoNotOccurTwice()
    {
        var task = new ListOpsTask(1, 11);
        var seen = new HashSet<UInt128>();
        string[] texts = [.. new[] { TaskPart.Train, TaskPart.Test }
            .SelectMany(part => TasksCommand.Documents(task, "1", part, 3000, 1, seen)).Select(document => document.Text)];
        Assert.Equal(6000, texts.Distinct().Count());
        var problem = Assert.Throws<UsageException>(() => TasksCommand.Documents(new Constant(), "1", TaskPart.Test, 5, 1, []).Count());
        Assert.Contains("There are not 5 different documents", problem.Message);
    }

    private static StatementTask Create(string name, int words)
    {
        Prose training = TaskTexts.Prose("training"), test = TaskTexts.Prose("testing");
        return name switch
        {
            "order" => new OrderTask(words, training, test),
            "agree" => new AgreeTask(words, training, test),
            "latest" => new LatestTask(words, training, test),
            _ => new QuestionTask(words, training, test),
        };
    }

    private static Judgment Baseline(DocumentTask task, int numTraining, int numTest)
    {
        return LearnRun.Judge(LearnVariant.Baseline, Read(TaskPart.Train, numTraining), Read(TaskPart.Test, numTest), 1, 512, cuda: false, verbose: false);

        LabeledDocument[] Read(TaskPart part, int count) =>
            [.. TaskTexts.Documents(task, count, part).Select(document => new LabeledDocument(document.Label, document.Text.Replace("\n\n", " "), ""))];
    }

    // The class as a reader of the text finds it.
    private static string Read(string name, string text)
    {
        if (name == "agree")
        {
            string[] colors = [.. Regex.Matches(text, "the ferry is painted ([a-z]+)\\.").Select(match => match.Groups[1].Value)];
            Assert.Equal(3, colors.Length);
            return colors[0] == colors[2] ? "agree" : "differ";
        }
        if (name == "latest")
            return Regex.Matches(text, @"The ([a-z]+) was painted ([a-z]+) by the mason\.")[^1].Groups[2].Value;
        if (name == "question")
        {
            string item = Regex.Match(text, @"^Question: where did Oliver put the ([a-z]+)\?").Groups[1].Value;
            return Assert.Single(Regex.Matches(text, $@"Oliver put the {item} in the ([a-z]+)\.")).Groups[1].Value;
        }
        var (first, second) = OrderTask.Pairs.Single(pair => text.Contains(pair.First, StringComparison.Ordinal));
        return text.IndexOf(first, StringComparison.Ordinal) < text.IndexOf(second, StringComparison.Ordinal) ? "before" : "after";
    }

    private sealed class Constant() : DocumentTask("constant")
    {
        public override TaskDocument Make(TaskPart part, int index, TaskRandom random) => new("a", "the same");
    }
}
