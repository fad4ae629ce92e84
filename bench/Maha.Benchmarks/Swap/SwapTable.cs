using System.Globalization;
using System.Text.Json.Nodes;

namespace Maha.Benchmarks.Swap;

/// <summary>The table of a swap: one line per number of swapped layers, the mean of the seeds.</summary>
internal static class SwapTable
{
    public static void Print(TextWriter output, IReadOnlyList<JsonObject> rows)
    {
        output.WriteLine("| layers swapped | seeds | accuracy, no training | points lost | points lost with uniform attention | after one epoch | points lost "
            + "| attention FLOPs of the swapped layers cut by | layers, by seed |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        var none = rows.Where(row => (int)row["swapped"]! == 0).ToDictionary(row => (int)row["seed"]!, row => (double)row["accuracy"]!);
        foreach (var group in rows.Where(row => none.ContainsKey((int)row["seed"]!)).GroupBy(row => (int)row["swapped"]!).OrderBy(group => group.Key))
        {
            double Mean(Func<JsonObject, double> value) => group.Average(value);
            double before = Mean(row => none[(int)row["seed"]!]), swapped = Mean(row => (double)row["accuracy"]!),
                tuned = Mean(row => (double)row["tuned_accuracy"]!);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {group.Key} | {group.Count()} | {swapped:F4} | {100 * (before - swapped):F1} "
                    + $"| {100 * (before - Mean(row => (double)row["uniform_accuracy"]!)):F1} | {tuned:F4} | {100 * (before - tuned):F1} "
                    + $"| {Mean(row => (double)row["flops_cut"]!):P1} "
                    + $"| {string.Join("; ", group.OrderBy(row => (int)row["seed"]!).Select(row => (string?)row["layers"]))} |"));
        }
    }
}
