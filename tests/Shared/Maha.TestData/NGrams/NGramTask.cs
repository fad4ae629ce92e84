using System.Globalization;

namespace Maha.TestData.NGrams;

/// <summary>A text with its class.</summary>
public readonly record struct ClassifiedText(string Text, int Label);

/// <summary>Synthetic documents of a kind that a stack of linear models can get wrong.</summary>
/// <param name="Name">The kind.</param>
/// <param name="NumClasses">The number of classes.</param>
/// <param name="Training">The training documents.</param>
/// <param name="Testing">The test documents.</param>
public sealed record NGramTask(string Name, int NumClasses, IReadOnlyList<ClassifiedText> Training, IReadOnlyList<ClassifiedText> Testing)
{
    private static readonly string[] s_templates =
    [
        "Your invoice is attached. Please pay within ten days.", "Your parcel was sent today and arrives tomorrow.", "Reset your password with the link below.",
        "The meeting was moved to the large room.", "A new version can be installed now.", "Thank you for the kind review of our shop.",
    ];

    private static readonly string[][] s_topics =
    [
        "river lake stream water boat fish rain flood pond harbour".Split(' '), "engine piston gear motor wheel brake fuel oil clutch axle".Split(' '),
        "bread flour oven yeast dough butter sugar salt cake crust".Split(' '), "violin cello flute choir opera song drum tune note piano".Split(' '),
        "court judge law jury trial appeal verdict clerk oath plea".Split(' '),
    ];

    /// <summary>Tasks with a class of one text: every class must be right on its own text.</summary>
    public static readonly IReadOnlyList<string> OneText =
    [
        "templates", "template-and-topics", "empty-and-topics", "empty-binary", "blanks-and-case",
        "near-copies", "two-templates", "six-templates", "rare-template", "one-row",
    ];

    /// <summary>Tasks with texts of two labels: the probability must be the label's share.</summary>
    public static readonly IReadOnlyList<string> Twins = ["twins", "twins-and-topics", "twins-of-many"];

    /// <summary>Tasks with random labels: the log loss must be the prior's.</summary>
    public static readonly IReadOnlyList<string> Noise =
    [
        "noise-2-60", "noise-2-200", "noise-2-1000", "noise-5-200", "noise-5-1000", "noise-20-400", "noise-50-500", "noise-skewed-200", "noise-skewed-1000",
        "noise-few-words-200", "noise-short-pool-300", "disjoint-2-100", "disjoint-5-200", "disjoint-templates-12", "disjoint-templates-80",
    ];

    /// <summary>Tasks with few rows per class: no worse than a bag of words.</summary>
    public static readonly IReadOnlyList<string> FewRows =
    [
        "rows-50-2", "rows-50-3", "rows-50-5", "rows-5-2", "rows-5-3", "rows-5-5", "rows-2-2", "rows-2-3", "rows-2-5", "rows-20-2", "rows-20-3", "rows-20-5",
    ];

    /// <summary>All names.</summary>
    public static IEnumerable<string> Names => [.. OneText, .. Twins, .. Noise, .. FewRows];

    /// <summary>Creates the documents of a task.</summary>
    public static NGramTask Make(string name, int seed)
    {
        var random = new Random(seed);
        string[] parts = name.Split('-');
        int Number(int part) => int.Parse(parts[part], CultureInfo.InvariantCulture);
        List<ClassifiedText> Topics(int count, int classes) =>
            [.. Enumerable.Range(0, count).Select(i => new ClassifiedText(Topic(random, i % classes), i % classes))];
        NGramTask Same(int classes, IEnumerable<ClassifiedText> rows)
        {
            ClassifiedText[] all = [.. rows];
            random.Shuffle(all);
            return new NGramTask(name, classes, all, all);
        }
        switch (name)
        {
            case "templates":
                return Same(3, Enumerable.Range(0, 150).Select(i => new ClassifiedText(s_templates[i % 3], i % 3)));
            case "template-and-topics":
                return Same(3, [.. Topics(40, 2), .. Repeat(20, 2, _ => "This message was deleted.")]);
            case "empty-and-topics":
                return Same(3, [.. Topics(40, 2), .. Repeat(20, 2, _ => "")]);
            case "empty-binary":
                return Same(2, [.. Repeat(30, 1, _ => Topic(random, 0)), .. Repeat(30, 0, _ => "")]);
            case "blanks-and-case":
                return Same(3, [.. Topics(40, 2), .. Repeat(
                    20, 2, i => i % 3 == 0 ? "This  message was\n deleted." : i % 3 == 1 ? "THIS message WAS deleted." : " this Message was deleted. ")]);
            case "near-copies":
                return Same(3, [.. Topics(40, 2), .. Repeat(20, 2, i => $"Your invoice {1000 + i} is attached.")]);
            case "two-templates":
                return Same(3, Enumerable.Range(0, 150).Select(i => new ClassifiedText(s_templates[i % 6], i % 3)));
            case "six-templates":
                return Same(2, Enumerable.Range(0, 240)
                    .Select(i => new ClassifiedText(string.Join(' ', Enumerable.Range(0, 8).Select(k => $"t{i % 12}w{k}")), i % 2)));
            case "rare-template":
                return Same(3, [.. Topics(200, 2), .. Repeat(3, 2, _ => "This message was deleted.")]);
            case "one-row":
                return Same(3, [.. Topics(100, 2), .. Repeat(1, 2, _ => "This message was deleted.")]);
            case "twins":
                return Same(2, Enumerable.Range(0, 100).Select(i => new ClassifiedText(s_templates[0], i % 10 < 7 ? 1 : 0)));
            case "twins-and-topics":
                return Same(2, [.. Topics(60, 2), .. Enumerable.Range(0, 50).Select(i => new ClassifiedText("This message was deleted.", i % 5 == 0 ? 0 : 1))]);
            case "twins-of-many":
                return Same(4, [.. Enumerable.Range(0, 200).Select(i => new ClassifiedText(s_templates[i % 4], i % 20 < 12 ? i % 4 : (i + 1) % 4))]);
        }
        int classes = int.TryParse(parts[1], CultureInfo.InvariantCulture, out int given) ? given : 2;
        switch (parts[0])
        {
            case "noise":
                int vocabulary = parts[1] == "few" ? 12 : 300, length = parts[1] switch { "few" => 4, "short" => 3, _ => 30 };
                bool skewed = parts[1] == "skewed", pool = parts[1] == "short";
                return Of(int.Parse(parts[^1], CultureInfo.InvariantCulture), count => Enumerable.Range(0, count).Select(_ => new ClassifiedText(
                    pool ? $"p{random.Next(40)}"
                        : string.Join(' ', Enumerable.Range(0, length).Select(_ => $"w{(int)(vocabulary * Math.Pow(random.NextDouble(), 2))}")),
                    skewed ? random.Next(10) == 0 ? 1 : 0 : random.Next(classes))));
            case "disjoint" when parts[1] == "templates":
                // Groups of copies that share no words; the groups of the test are new.
                int group = 0;
                return Of(Number(2), count => Enumerable.Range(0, count / 4).SelectMany(_ =>
                {
                    int own = group++, label = own % 2;
                    return Enumerable.Range(0, 5).Select(_ => new ClassifiedText(string.Join(' ', Enumerable.Range(0, 8).Select(k => $"g{own}w{k}")), label));
                }));
            case "disjoint":
                int next = 0;
                return Of(Number(2), count => Enumerable.Range(0, count)
                    .Select(i => new ClassifiedText(string.Join(' ', Enumerable.Range(0, 10).Select(_ => $"u{next++}")), i % classes)));
            case "rows":
                return new NGramTask(name, classes, [.. Rows(classes, Number(2), random)], [.. Rows(classes, Math.Max(4, 200 / classes), random)]);
            default:
                throw new ArgumentException($"--family takes {string.Join(", ", Names)}, but got '{name}'.");
        }

        NGramTask Of(int count, Func<int, IEnumerable<ClassifiedText>> make) => new(name, classes, [.. make(count)], [.. make(Math.Max(count, 1000))]);
    }

    private static IEnumerable<ClassifiedText> Repeat(int count, int label, Func<int, string> text) => Enumerable.Range(0, count)
        .Select(i => new ClassifiedText(text(i), label));

    private static string Topic(Random random, int topic)
        => string.Join(' ', Enumerable.Range(0, 20).Select(_ => random.Next(4) == 0 ? "the" : s_topics[topic][random.Next(10)])) + ".";

    // Three words of the class, of four that it has, among ten of all classes.
    private static IEnumerable<ClassifiedText> Rows(int classes, int rowsOfClass, Random random) => Enumerable.Range(0, classes * rowsOfClass)
        .Select(i => new ClassifiedText(
        string.Join(' ', Enumerable.Range(0, 3).Select(_ => $"k{i % classes}v{random.Next(4)}")
            .Concat(Enumerable.Range(0, 10).Select(_ => "w" + random.Next(50))).OrderBy(_ => random.Next())), i % classes));
}
