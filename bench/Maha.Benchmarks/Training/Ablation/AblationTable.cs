using System.Globalization;
using System.Text.Json.Nodes;

namespace Maha.Benchmarks.Training;

/// <summary>The table of an ablation: one line per variant, the mean of its seeds.</summary>
internal static class AblationTable
{
    public static void Print(TextWriter output, IReadOnlyList<JsonObject> rows)
    {
        output.WriteLine("| variant | seeds | accuracy | macro F1 | s per epoch | peak MB | mean weight per scale, by layer | zero weights | attention "
            + "entropy per scale (nats), by layer | largest residual | iterations | converged |");
        output.WriteLine("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        foreach (string variant in AblationVariants.Names)
        {
            var seeds = rows.Where(row => (string?)row["variant"] == variant).ToList();
            if (seeds.Count == 0)
                continue;
            var layers = seeds.Select(row => row["layers"]!.AsArray().Select(layer => layer!.AsObject()).ToList()).ToList();
            var all = layers.SelectMany(layer => layer).ToList();
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"| {variant} | {seeds.Count} | {Spread(seeds, "accuracy")} | {Spread(seeds, "macro_f1")} | {Mean(seeds, "seconds_per_epoch"):F1} "
                    + $"| {Mean(seeds, "peak_mb"):F0} | {Lists(layers, "scale_weights")} | {Mean(all, "sparsity"):P0} | {Lists(layers, "entropy")} "
                    + $"| {all.Max(layer => (double)layer["max_residual"]!):G2} | {all.Max(layer => (int)layer["iterations"]!)} "
                    + $"| {(all.All(layer => (bool)layer["converged"]!) ? "yes" : "no")} |"));
        }
    }

    // "0.913 (0.905-0.921)": the mean, and the range where there are several seeds.
    private static string Spread(List<JsonObject> rows, string name)
    {
        double[] values = [.. rows.Select(row => (double)row[name]!)];
        string mean = values.Average().ToString("F4", CultureInfo.InvariantCulture);
        return values.Length == 1 ? mean : string.Create(CultureInfo.InvariantCulture, $"{mean} ({values.Min():F3}-{values.Max():F3})");
    }

    private static double? Mean(List<JsonObject> rows, string name) => rows.Average(row => (double?)row[name]);

    private static string Lists(List<List<JsonObject>> seeds, string name)
    {
        var layers = new List<string>();
        for (int layer = 0; layer < seeds[0].Count; layer++)
        {
            var lists = seeds.Select(seed => seed[layer][name] as JsonArray).Where(list => list is not null)
                .Select(list => list!.Select(value => (double?)value).ToArray()).ToList();
            if (lists.Count > 0)
            {
                layers.Add(string.Join(" ", Enumerable.Range(0, lists[0].Length)
                    .Select(scale => lists.Average(list => list[scale])?.ToString("F2", CultureInfo.InvariantCulture) ?? "-")));
            }
        }
        return layers.Count > 0 ? string.Join("; ", layers) : "-";
    }
}
