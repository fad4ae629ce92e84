using System.Text.RegularExpressions;
using Maha.Benchmarks.Classification.Tasks;

namespace Maha.Benchmarks.Tests.Classification.Tasks;

public class TextTaskTests
{
    [Fact]
    public void Excerpts_RelateTheFirstToTheLast_AndNothingElseDependsOnTheClass()
    {
        string[] novels = ["emma", "sense", "pride"];
        var task = new ExcerptsTask(250, [.. novels.Select(name => TaskTexts.Prose(name))], [.. novels.Select(name => TaskTexts.Prose("x" + name))],
            (TaskTexts.Prose("psalm"), TaskTexts.Prose("proverb")));
        var novelOfPlace = new DependenceTest();
        var novelsOfDocument = new DependenceTest();
        var order = new DependenceTest();
        int numOther = 0, numOtherFirst = 0;
        foreach (var (label, text) in TaskTexts.Documents(task, 4000))
        {
            string[] parts = text.Split("\n\n* * *\n\n");
            string[] sources = [.. parts.Select(part => Assert.Single(
                part.Split('.', StringSplitOptions.RemoveEmptyEntries).Select(sentence => sentence.Trim().Split(' ')[0]).Distinct()))];
            Assert.Equal(["psalm", "psalm"], [sources[1], sources[3]]);
            string[] ofNovels = [sources[0], sources[2], sources[4]];
            Assert.Equal(2, ofNovels.Distinct().Count());
            Assert.Equal(label, ofNovels[0] == ofNovels[2] ? "same" : "other");
            Assert.NotEqual(parts[0], parts[2]);
            Assert.NotEqual(parts[0], parts[4]);
            Assert.NotEqual(parts[2], parts[4]);
            numOther += label == "other" ? 1 : 0;
            numOtherFirst += label == "other" && ofNovels[1] == ofNovels[2] ? 1 : 0;
            for (int place = 0; place < 3; place++)
                novelOfPlace.Add(label, $"{place} {ofNovels[place]}");
            novelsOfDocument.Add(label, string.Join(' ', ofNovels.Order(StringComparer.Ordinal)));
            order.Add(label, string.Join(' ', ofNovels));
        }
        Assert.InRange(numOtherFirst, 0.45 * numOther, 0.55 * numOther);
        Assert.InRange(novelOfPlace.Deviation, -6, 6);
        Assert.InRange(novelsOfDocument.Deviation, -6, 6);
        Assert.True(order.Deviation > 100, $"{order.Deviation}");
        Assert.All(TaskTexts.Documents(task, 20, TaskPart.Test), document =>
        {
            Assert.Contains("proverb", document.Text);
            Assert.Matches("^x(emma|sense|pride) ", document.Text);
            Assert.DoesNotMatch("(^| )(emma|sense|pride|psalm) ", document.Text);
        });
    }

    [Fact]
    public void Scripture_IsOfItsKind_AndTestBooksAreNotTrainedOn()
    {
        var task = new ScriptureTask(200, TaskTexts.Bible());
        var books = new Dictionary<TaskPart, HashSet<string>>();
        foreach (var part in Enum.GetValues<TaskPart>())
        {
            books[part] = [];
            foreach (var (label, text) in TaskTexts.Documents(task, 120, part))
            {
                string[] names = [.. Regex.Matches(text, "([1-3]?[A-Za-z]+) chapter").Select(match => match.Groups[1].Value).Distinct()];
                var (_, training, test) = Bible.Kinds.Single(kind => kind.Label == label);
                Assert.Subset((part == TaskPart.Train ? training : test).ToHashSet(), names.ToHashSet());
                books[part].UnionWith(names);
            }
        }
        Assert.Empty(books[TaskPart.Train].Intersect(books[TaskPart.Test]));
        string[] all = [.. Bible.Kinds.SelectMany(kind => kind.Training.Concat(kind.Test))];
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Contains("must have the book Exo", Assert.Throws<UsageException>(() => new ScriptureTask(200, new Bible(["Ge1:1 In the beginning"]))).Message);
    }

    [Fact]
    public void Spread_HasTheShareOfItsClass()
    {
        string[] prophets = Bible.Kinds.Single(kind => kind.Label == "prophets").Training;
        foreach (var (label, text) in TaskTexts.Documents(new SpreadTask(600, TaskTexts.Bible()), 90))
        {
            // A passage may start in the middle of a chapter and go on in the next; a passage of several chapters has several paragraphs.
            int verses = Regex.Count(text, " chapter "), ofProphets = Regex.Count(text, $"(?<= |\n|^)({string.Join('|', prophets)}) chapter ");
            Assert.Equal(label switch { "few" => 1 / 3.0, "even" => 1 / 2.0, _ => 2 / 3.0 }, ofProphets / (double)verses, 1e-9);
        }
    }

    [Fact]
    public void Chapters_AreEitherOfTrainingOrOfTest()
    {
        string novel = "A NOVEL\n\nby\n\n" + string.Concat(
            Enumerable.Range(1, 11).Select(i => $"CHAPTER {i}\n\nThis is chapter{i} of it. It has two sentences.\n\n"));
        Assert.Equal(["chapter5", "chapter10"], Read(areTest: true));
        Assert.Equal(["chapter1", "chapter2", "chapter3", "chapter4", "chapter6", "chapter7", "chapter8", "chapter9", "chapter11"], Read(areTest: false));

        string[] Read(bool areTest)
        {
            var chapters = TaskSources.Chapters(novel, areTest);
            return [.. Enumerable.Range(0, 500).Select(i => Prose.Text(chapters.Excerpt(new TaskRandom(1, "", i), 1)))
                .Select(text => Regex.Match(text, "chapter[0-9]+").Value).Where(name => name.Length > 0).Distinct().OrderBy(name => int.Parse(name[7..]))];
        }
    }

    [Fact]
    public void Sentences_EndWhereProseEnds()
    {
        var sentences = Prose.Sentences(
            "CHAPTER I\n\nMr. Weston came. \"Oh! dear,\" said she; \"is it so?\" _He_ nodded.\n\nThat was all.\n\n"
            + string.Join(' ', Enumerable.Repeat("long", 61)) + ".")
            .ToList();
        Assert.Equal(
            ["Mr. Weston came.", "\"Oh! dear,\" said she; \"is it so?\"", "_He_ nodded.", "That was all."], sentences.Select(sentence => sentence.Text));
        Assert.Equal([3, 7, 2, 3], sentences.Select(sentence => sentence.Words));
        Assert.Equal([true, false, false, true], sentences.Select(sentence => sentence.StartsParagraph));
        Assert.Equal("Mr. Weston came. \"Oh! dear,\" said she; \"is it so?\" _He_ nodded.\n\nThat was all.", Prose.Text(sentences.ToArray()));
    }

    [Fact]
    public void Excerpts_AreContiguous_OfOneSource_AndOfTheLengthAskedFor()
    {
        var prose = TaskTexts.Prose("one", "two");
        var starts = new HashSet<string>();
        for (int i = 0; i < 200; i++)
        {
            string text = Prose.Text(prose.Excerpt(new TaskRandom(1, "", i), 100));
            var numbers = Regex.Matches(text, "(one|two) [^.]*number([0-9]+)\\.")
                .Select(match => (match.Groups[1].Value, Number: int.Parse(match.Groups[2].Value))).ToList();
            Assert.Equal(18, numbers.Count); // 90 words
            Assert.Equal(Enumerable.Range(numbers[0].Number, 18), numbers.Select(pair => pair.Number));
            starts.Add(Assert.Single(numbers.Select(pair => pair.Value).Distinct()));
        }
        Assert.Equal(2, starts.Count);
        Assert.Contains("do not fit", Assert.Throws<UsageException>(() => { prose.Excerpt(new TaskRandom(1, "", 0), 30_000); }).Message);
    }

    [Theory]
    [InlineData("--task takes order, agree", "--task", "none")]
    [InlineData("at least 100", "--words", "50")]
    [InlineData("two numbers", "--tokens", "50")]
    [InlineData("does not exist", "--word", "50")]
    public void Options_ThatAreWrong_AreRefused(string message, params string[] arguments) =>
        Assert.Contains(message, Assert.Throws<UsageException>(() => TasksCommand.Run(arguments)).Message);

    [Fact]
    public void Files_AreTheSameForTheSameOptions()
    {
        string folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
        try
        {
            foreach (string name in new[] { "a", "b" })
            {
                Assert.Equal(ExitCode.Success, TasksCommand.Run(["--task", "listops", "--tokens", "30", "100", "--documents", "50", "--test-documents", "20",
                    "--out", Path.Combine(folder, name)]));
            }
            foreach (var (part, count) in new[] { ("train", 50), ("test", 20) })
            {
                byte[] bytes = File.ReadAllBytes(Path.Combine(folder, "a", $"listops.30-100.{part}.tsv"));
                Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(folder, "b", $"listops.30-100.{part}.tsv")));
                Assert.Equal(count, bytes.Count(b => b == '\n'));
                Assert.All(Maha.Benchmarks.Classification.LabeledFile.Read(Path.Combine(folder, "a", $"listops.30-100.{part}.tsv"), hasFolds: false),
                    document => Assert.Matches("^[0-9]$", document.Label));
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
