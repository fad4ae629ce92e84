using System.Text.RegularExpressions;
using Maha.Benchmarks.Classification.Tasks;

namespace Maha.Benchmarks.Tests.Classification.Tasks;

public class ListOpsTaskTests
{
    [Theory]
    [InlineData(30, 100, 800)]
    [InlineData(500, 2000, 60)]
    public void Class_IsTheValue_AndTheFormIsWithinItsLimits(int min, int max, int count)
    {
        var documents = TaskTexts.Documents(new ListOpsTask(min, max), count);
        int deepest = 0;
        var argumentCounts = new HashSet<int>();
        foreach (var (label, text) in documents)
        {
            string[] tokens = text.Split(' ');
            Assert.InRange(tokens.Length, min + 1, max - 1);
            var open = new Stack<int>();
            foreach (string token in tokens)
            {
                Assert.Matches(@"^(\[MIN|\[MAX|\[MED|\[SM|\]|[0-9])$", token);
                if (token == "]")
                    argumentCounts.Add(open.Pop());
                else if (open.Count > 0)
                    open.Push(open.Pop() + 1);
                if (token[0] == '[')
                    open.Push(0);
                deepest = Math.Max(deepest, open.Count);
            }
            Assert.Empty(open);
            Assert.Equal(label, Evaluate(text));
        }
        Assert.Equal(Enumerable.Range(2, 9), argumentCounts.Order());
        Assert.InRange(deepest, 4, 9);
        if (count > 500)
            Assert.Equal(10, documents.Select(document => document.Label).Distinct().Count());
        if (min >= 500)
            Assert.Equal(9, deepest);
    }

    [Theory]
    [InlineData("[MAX 2 9 [MIN 4 7 ] 0 ]", "9")]
    [InlineData("[MED 1 2 4 9 ]", "3")]
    [InlineData("[MED 1 2 3 9 ]", "2")]
    [InlineData("[SM 7 5 [MED 8 1 6 ] ]", "8")]
    public void Evaluator_KnowsTheOperators(string text, string value) => Assert.Equal(value, Evaluate(text));

    [Fact]
    public void Limits_ThatAreTooClose_AreRefused() =>
        Assert.Contains("at least 10 apart", Assert.Throws<UsageException>(() => new ListOpsTask(100, 105)).Message);

    // Replaces an innermost list by its value until nothing but a digit is left.
    private static string Evaluate(string text)
    {
        while (text.Length > 1)
        {
            text = Regex.Replace(text, @"\[(MIN|MAX|MED|SM)((?: [0-9])+) \]", match =>
            {
                int[] values = [.. match.Groups[2].Value.Where(char.IsDigit).Select(c => c - '0')];
                double value = match.Groups[1].Value switch
                {
                    "MIN" => Enumerable.Range(0, 10).First(values.Contains),
                    "MAX" => Enumerable.Range(0, 10).Last(values.Contains),
                    "SM" => values.Aggregate(0, (sum, next) => (sum + next) % 10),
                    _ => (Ranked(values, (values.Length + 1) / 2) + Ranked(values, values.Length / 2 + 1)) / 2.0,
                };
                return $"{(int)Math.Floor(value)}";
            });
        }
        return text;
    }

    // The smallest digit that at least so many values do not exceed.
    private static int Ranked(int[] values, int rank) => Enumerable.Range(0, 10).First(digit => values.Count(value => value <= digit) >= rank);
}
