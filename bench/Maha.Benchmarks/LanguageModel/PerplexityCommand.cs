using System.Globalization;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Benchmarks.LanguageModel;

/// <summary>
/// <c>perplexity</c>: language models of every kind of attention with equal numbers of parameters, trained on equal tokens (or for an equal time) at several
/// lengths of context, and their perplexity on held-out text.
/// </summary>
/// <remarks>
/// A row is appended as soon as its training ends. Rows in the file are not measured again, so the same command continues where it was stopped.
/// </remarks>
internal static class PerplexityCommand
{
    private const string Head =
        "| variant | context | budget | shape | F | parameters | tokens | seconds | tokens/s | peak MB | best epoch | per token | per byte | per word | seed "
            + "| device | threads |";

    public static int Run(string[] args)
    {
        var settings = PerplexitySettings.Read(args);
        var texts = TextFolders.Read(settings.Data, settings.HeldOut);
        set_num_threads(settings.Threads);
        var tokenizer = ByteLevelBpeTokenizer.Train(texts.Training, new ByteLevelBpeTokenizerOptions { VocabSize = settings.VocabSize });
        string[] done = File.Exists(settings.Out) ? File.ReadAllLines(settings.Out) : [];
        using (zeros(1))
            EnvironmentHeader.Print(Console.Out);
        Console.WriteLine(Head);
        var run = new PerplexityRun(settings, texts, tokenizer);
        foreach (int context in settings.Contexts)
        {
            foreach (string variant in settings.Kinds)
            {
                string key = $"| {variant} | {context} | {settings.Budget} | {settings.Shape} |";
                string tail = $"| {settings.Seed} | {(settings.Cuda ? "cuda" : "cpu")} | {settings.Threads} |";
                string line = done.FirstOrDefault(row => row.StartsWith(key, StringComparison.Ordinal) && row.EndsWith(tail, StringComparison.Ordinal)) ?? "";
                if (line.Length == 0)
                {
                    line = key + Cells(run.Measure(variant, context)) + tail;
                    Append(settings, line);
                }
                Console.WriteLine(line);
            }
        }
        return ExitCode.Success;
    }

    private static string Cells(PerplexityRow row) => string.Create(CultureInfo.InvariantCulture,
        $" {row.FeedForwardDim} | {row.Parameters:N0} | {row.Tokens:N0} | {row.Seconds:F0} | {row.TokensPerSecond:F0} "
            + $"| {row.PeakMegabytes?.ToString("F0", CultureInfo.InvariantCulture) ?? "-"} | {row.BestEpoch} of {row.Epochs} | {row.PerToken:F3} "
            + $"| {row.PerByte:F4} | {row.PerWord:F2} ");

    private static void Append(PerplexitySettings settings, string line)
    {
        if (Path.GetDirectoryName(settings.Out) is { Length: > 0 } folder)
            Directory.CreateDirectory(folder);
        if (!File.Exists(settings.Out))
        {
            using var header = new StringWriter(CultureInfo.InvariantCulture);
            EnvironmentHeader.Print(header);
            string ruler = string.Concat(Enumerable.Repeat("| --- ", Head.Count(c => c == '|') - 1)) + "|";
            File.WriteAllLines(settings.Out,
            [
                "# Held-out perplexity of language models", "",
                "    ./bench.sh perplexity", "",
                .. header.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(text => "- " + text.TrimStart('#').Trim()), "",
                Head, ruler,
            ]);
        }
        File.AppendAllLines(settings.Out, [line]);
    }
}
