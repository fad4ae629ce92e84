namespace Maha.Benchmarks.Tests.Classification.Tasks;

/// <summary>The chi-squared test of independence of labels and values.</summary>
internal sealed class DependenceTest
{
    private readonly Dictionary<(string Label, string Value), int> _counts = [];

    public void Add(string label, string value) => _counts[(label, value)] = _counts.GetValueOrDefault((label, value)) + 1;

    /// <summary>How many standard deviations the statistic is above its mean where labels and values are independent.</summary>
    public double Deviation
    {
        get
        {
            var labels = Sums(cell => cell.Label);
            var values = Sums(cell => cell.Value);
            double total = _counts.Values.Sum(), statistic = 0;
            foreach (var (label, ofLabel) in labels)
            {
                foreach (var (value, ofValue) in values)
                {
                    double expected = ofLabel * ofValue / total;
                    statistic += Math.Pow(_counts.GetValueOrDefault((label, value)) - expected, 2) / expected;
                }
            }
            double freedom = (labels.Count - 1) * Math.Max(values.Count - 1, 1);
            return (statistic - freedom) / Math.Sqrt(2 * freedom);
        }
    }

    private Dictionary<string, double> Sums(Func<(string Label, string Value), string> key) =>
        _counts.GroupBy(pair => key(pair.Key)).ToDictionary(group => group.Key, group => (double)group.Sum(pair => pair.Value));
}
