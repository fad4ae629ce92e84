using System.Globalization;
using System.Text.Json.Nodes;

namespace Maha.Benchmarks.Swap;

/// <summary>The tables of <c>swap --pretrained</c>: one line per number of swapped layers, the mean of the seeds.</summary>
internal static class PretrainedSwapTable
{
    private static readonly (string Title, string Name, string Format)[] s_all =
    [
        ("accuracy, no training", "accuracy", "F4"), ("points lost", "-accuracy", "F2"), ("points lost with uniform attention", "-uniform_accuracy", "F2"),
        ("KL", "kl", "F4"), ("after one epoch", "tuned_accuracy", "F4"), ("points lost", "-tuned_accuracy", "F2"), ("KL", "tuned_kl", "F4"),
        ("attention GFLOP per document", "attention_gflop", "F3"), ("all GFLOP", "gflop", "F2"), ("ms per document", "ms", "F2"),
    ];

    private static readonly (string Title, string Name, string Format)[] s_long =
    [
        ("first window", "long_first_accuracy", "F4"), ("windows", "long_accuracy", "F4"), ("whole, positions repeat", "whole_repeat_accuracy", "F4"),
        ("KL", "whole_repeat_kl", "F4"), ("whole, interpolated", "whole_interpolate_accuracy", "F4"), ("KL", "whole_interpolate_kl", "F4"),
        ("one epoch: windows", "tuned_long_accuracy", "F4"), ("whole, positions repeat", "tuned_whole_repeat_accuracy", "F4"),
        ("whole, interpolated", "tuned_whole_interpolate_accuracy", "F4"), ("one epoch on whole documents: whole", "whole_tuned_long_accuracy", "F4"),
        ("attention GFLOP, windows", "long_attention_gflop", "F3"), ("whole", "whole_attention_gflop", "F3"), ("ms, windows", "long_ms", "F2"),
        ("whole", "whole_ms", "F2"),
    ];

    public static void Print(TextWriter output, IReadOnlyList<JsonObject> rows)
    {
        output.WriteLine("All test documents, in windows:");
        Print(output, rows, s_all);
        if (rows.Any(row => row.ContainsKey("long_accuracy")))
        {
            output.WriteLine("Test documents longer than a window:");
            Print(output, rows, s_long);
        }
    }

    private static void Print(TextWriter output, IReadOnlyList<JsonObject> rows, (string Title, string Name, string Format)[] columns)
    {
        output.WriteLine($"| layers swapped | {string.Join(" | ", columns.Select(column => column.Title))} | layers, by seed |");
        output.WriteLine($"| --- | {string.Join(" | ", columns.Select(_ => "---"))} | --- |");
        var none = rows.Where(row => (int)row["swapped"]! == 0).ToDictionary(row => (int)row["seed"]!, row => (double)row["accuracy"]!);
        foreach (var group in rows.Where(row => none.ContainsKey((int)row["seed"]!)).GroupBy(row => (int)row["swapped"]!).OrderBy(group => group.Key))
        {
            var cells = columns.Select(column => Cell(group, column.Name, column.Format));
            string layers = string.Join("; ", group.OrderBy(row => (int)row["seed"]!).Select(row => (string?)row["layers"]));
            output.WriteLine($"| {group.Key} | {string.Join(" | ", cells)} | {layers} |");
        }

        // A name with a minus is the loss against the trained classifier, in points.
        string Cell(IEnumerable<JsonObject> group, string name, string format)
        {
            bool isLoss = name[0] == '-';
            string key = isLoss ? name[1..] : name;
            var values = group.Where(row => row[key] is not null)
                .Select(row => isLoss ? 100 * (none[(int)row["seed"]!] - (double)row[key]!) : (double)row[key]!).ToList();
            return values.Count == 0 ? "" : values.Average().ToString(format, CultureInfo.InvariantCulture);
        }
    }
}
