using System.Text;
using System.Text.RegularExpressions;

namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>The verses of the King James Version of the Bible by book.</summary>
internal sealed partial class Bible
{
    /// <summary>Kinds of books, each with books to train on and books to test on. Books that mix kinds, such as Genesis and Daniel, are left out.</summary>
    public static readonly IReadOnlyList<(string Label, string[] Training, string[] Test)> Kinds =
    [
        ("law", ["Exo", "Lev", "Num"], ["Deu"]),
        ("history", ["Josh", "Jdgs", "Ruth", "1Sm", "2Sm", "1Chr", "2Chr", "Ezra"], ["1Ki", "2Ki", "Neh", "Est"]),
        ("poetry", ["Job", "Psa"], ["Prv", "Eccl", "SSol"]),
        ("prophets", ["Isa", "Eze", "Hos", "Joel", "Amos", "Obad", "Mic", "Nahum", "Hab", "Zep"], ["Jer", "Hag", "Zec", "Mal"]),
        ("gospels", ["Mat", "Mark", "John"], ["Luke"]),
        ("letters", ["Rom", "1Cor", "2Cor", "Gal", "1Th", "2Th", "1Tim", "2Tim", "Titus", "1Jn"], ["Eph", "Phi", "Col", "Heb", "Jas", "1Pet", "2Pet"]),
    ];

    private readonly Dictionary<string, List<Sentence>> _books = new(StringComparer.Ordinal);

    /// <param name="lines">Lines such as "Ge1:1 In the beginning ..."; other lines are ignored.</param>
    public Bible(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            if (Verse().Match(line) is not { Success: true } match)
                continue;
            string text = match.Groups["text"].Value.Trim();
            if (!_books.TryGetValue(match.Groups["book"].Value, out var verses))
                _books.Add(match.Groups["book"].Value, verses = []);
            verses.Add(new Sentence(text, text.Count(c => c == ' ') + 1, match.Groups["verse"].Value == "1"));
        }
    }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    public static Bible Read(string path) => new(File.ReadLines(path, Encoding.Latin1));

    /// <summary>Returns the verses of some books, one after another; a paragraph starts with each chapter.</summary>
    /// <exception cref="UsageException">There is no such book.</exception>
    private Sentence[] Books(IEnumerable<string> names) => [.. names.SelectMany(name => _books.TryGetValue(name, out var verses)
        ? verses : throw new UsageException($"The text of the Bible must have the book {name}, but has {string.Join(", ", _books.Keys)}."))];

    /// <summary>Returns the verses of a kind of book, to train on and to test on.</summary>
    /// <param name="label">The kind, one of <see cref="Kinds"/>.</param>
    public (Prose Training, Prose Test) Verses(string label)
    {
        var (_, training, test) = Kinds.Single(kind => kind.Label == label);
        return (new Prose([Books(training)]), new Prose([Books(test)]));
    }

    [GeneratedRegex("^(?<book>[1-3]?[A-Za-z]+)[0-9]+:(?<verse>[0-9]+) (?<text>.+)$")]
    private static partial Regex Verse();
}
