using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace Maha.Layers.Tests.Text;

/// <summary>Random text that mixes ordinary words with everything UTF-16 can hold, lone surrogates included.</summary>
internal static class HostileText
{
    private static readonly string[] s_pieces =
    [
        "the", " the", "and", " of", "th", "e", "a", " ", "  ", "\n", "\r\n", "\n\n", "\t", "\u00A0", "\u2028", "don't", "I\u2019ll", "'", "''",
        "1", "23", "4567", " 89", "\u0664\u0665", "\u00BD", ".", "...", " ...", "--", "(x)", "_", "[PAD]", "[CLS]", "[MASK]", "\0", "\u0007",
        "\u00E9", "e\u0301", "\u0301", "\u00DF", "\u0436\u0443\u043A", "\u4E2D\u6587\u5B57", "\u0E20\u0E32\u0E29\u0E32", "\u0939\u093F\u0928\u094D\u0926\u0940",
        "\u2764\uFE0F", "\uFEFF", "\uFFFD", "\uFFFF",
    ];

    private static readonly string[] s_pairs = ["\U0001F600", "\U0001D7D8", "\U00020000", "\U0001F468\u200D\U0001F469", "\U0010FFFF", "\U00010000"];

    private static readonly Gen<string> s_basic = Gen.Frequency(
        (6, Gen.Elements(s_pieces)),
        (1, Gen.Choose(0, 0xD7FF).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(1, 70).Select(n => new string('a', n))),
        (1, Gen.Choose(1, 70).Select(n => new string(' ', n))));

    private static readonly Gen<string> s_any = Gen.Frequency(
        (10, s_basic),
        (2, Gen.Elements(s_pairs)),
        (1, Gen.Choose(0xD800, 0xDFFF).Select(c => ((char)c).ToString())),
        (1, Gen.Choose(50, 200).Select(n => string.Concat(Enumerable.Repeat("\U0001F600", n)))));

    /// <summary>Checks a property of random texts, which are the same in every run.</summary>
    internal static void Check(Action<string> law, int tests = 300) => Check(s_any, law, tests);

    /// <summary>Checks a property of random texts without characters beyond U+FFFF; surrogates occur alone.</summary>
    internal static void CheckBasic(Action<string> law, int tests = 300) => Check(
        Gen.Frequency((12, s_basic), (1, Gen.Choose(0xDC00, 0xDFFF).Select(c => ((char)c).ToString()))), law, tests);

    /// <summary>Returns a few of the random texts.</summary>
    internal static List<string> Samples(int count)
    {
        var samples = new List<string>();
        Check(samples.Add, count);
        return samples;
    }

    private static void Check(Gen<string> pieces, Action<string> law, int tests)
    {
        var texts = pieces.ArrayOf().Select(p => string.Concat(p)).ToArbitrary();
        var config = Config.QuickThrowOnFailure
            .WithMaxTest(tests)
            .WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(2024, 1), FSharpOption<int>.None)));
        FsCheck.Check.One(config, Prop.ForAll(texts, law));
    }

    /// <summary>Returns a text with invisible characters as escape sequences, for messages.</summary>
    internal static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (char c in text)
        {
            escaped.Append(c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:X4}");
        }

        return escaped.ToString();
    }
}
