using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

/// <summary>Inputs for which a quadratic tokenizer would not finish in reasonable time.</summary>
public class TokenizerPathologicalTests
{
    private const int Megabyte = 1 << 20;

    public static TheoryData<string> Kinds
        => new("letter", "random letters", "spaces", "newlines", "dashes", "digits", "ideographs", "surrogates", "marks", "pairs", "nul");

    [Theory]
    [MemberData(nameof(Kinds))]
    public void MegabyteWithoutWordBoundaries_TrainsAndRoundTrips(string kind)
    {
        string text = Make(kind);
        var tokenizer = ByteLevelBpeTokenizer.Train([text], new ByteLevelBpeTokenizerOptions { VocabSize = 2000 });
        int[] ids = tokenizer.Encode(text, out int[] offsets);
        Assert.Equal(text, tokenizer.Decode(ids));
        Assert.Equal(text.Length, offsets[^1]);
        Assert.Equal(text, TokenizerSamples.Small.Decode(TokenizerSamples.Small.Encode(text)));
    }

    private static string Make(string kind)
    {
        var random = new Random(11);
        return kind switch
        {
            "letter" => new string('a', Megabyte),
            "random letters" => Random(random, "abcdefghijklmnopqrstuvwxyz"),
            "spaces" => new string(' ', Megabyte),
            "newlines" => new string('\n', Megabyte),
            "dashes" => new string('-', Megabyte),
            "digits" => Random(random, "0123456789"),
            "ideographs" => string.Create(Megabyte / 3, random, (span, r) =>
            {
                foreach (ref char c in span)
                {
                    c = (char)r.Next(0x4E00, 0x9000);
                }
            }),
            "surrogates" => new string('\uDC00', Megabyte),
            "marks" => new string('\u0301', Megabyte),
            "pairs" => string.Concat(Enumerable.Repeat("\U0001F600", Megabyte / 2)),
            "nul" => new string('\0', Megabyte),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    private static string Random(Random random, string letters) => new(random.GetItems<char>(letters, Megabyte));
}
