namespace Maha.Embedded.MicrosoftML.Tests.Text;

/// <summary>The slow twin of FeaturizeText's defaults: string keys, lists and dictionaries only.</summary>
internal static class SlowFeaturizer
{
    /// <summary>Per row the values by slot name, after training on all rows.</summary>
    public static (List<string> Slots, List<Dictionary<string, double>> Rows) Featurize(IReadOnlyList<string> texts)
    {
        var chars = texts.Select(CharGrams).ToList();
        var words = texts.Select(WordGrams).ToList();
        var slots = chars.SelectMany(g => g).Distinct().Concat(words.SelectMany(g => g).Distinct()).ToList();
        var rows = chars.Zip(words, (c, w) => Normalized(c).Concat(Normalized(w)).ToDictionary(p => p.Key, p => p.Value)).ToList();
        return (slots, rows);
    }

    private static List<string> CharGrams(string text)
    {
        var grams = new List<string>();
        if (text.Length == 0)
            return grams;
        var names = text.ToLowerInvariant().Select(c => c <= ' ' ? $"<{(char)(c + 0x2400)}>" : c.ToString()).Prepend("<\u2402>").Append("<\u2403>").ToList();
        for (int i = 0; i + 2 < names.Count; i++)
            grams.Add($"Char.{names[i]}|{names[i + 1]}|{names[i + 2]}");
        return grams;
    }

    private static List<string> WordGrams(string text)
    {
        var grams = new List<string>();
        var words = text.ToLowerInvariant().Split(' ').Where(w => w.Length > 0).ToList();
        for (int i = 0; i < words.Count; i++)
        {
            grams.Add("Word." + words[i]);
            if (i + 1 < words.Count)
                grams.Add($"Word.{words[i]}|{words[i + 1]}");
        }

        return grams;
    }

    private static Dictionary<string, double> Normalized(List<string> grams)
    {
        var counts = grams.GroupBy(g => g).ToDictionary(g => g.Key, g => (double)g.Count());
        double norm = Math.Sqrt(counts.Values.Sum(v => v * v));
        return counts.ToDictionary(p => p.Key, p => p.Value / norm);
    }
}
