using System.Globalization;
using Maha.Benchmarks.Generation;
using Maha.Benchmarks.LanguageModel;
using TorchSharp;

namespace Maha.Benchmarks.Tests.LanguageModel;

public sealed class PerplexityCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Rows_AreAppendedOnceForEveryVariantAndContext_AfterAnyInterruption()
    {
        var random = new Random(1);
        foreach (string name in new[] { "a.txt", "b.txt", "persuasion.txt" })
        {
            File.WriteAllText(Path.Combine(_folder, name),
                string.Concat(Enumerable.Range(0, 200).Select(_ => random.Next(2) == 0 ? "the cat sees the dog. " : "the saw cuts wood. ")));
        }
        string results = Path.Combine(_folder, "new", "results.md");
        string[] arguments =
        [
            "--data", _folder, "--out", results, "--d-model", "8", "--heads", "2", "--layers", "1",
                "--vocab", "280", "--tokens-per-batch", "256", "--threads", $"{torch.get_num_threads()}",
        ];
        Assert.Equal(ExitCode.Success, PerplexityCommand.Run([.. arguments, "--variants", "maha", "--contexts", "32", "--tokens", "9000"]));
        Assert.Single(Rows(results));
        Assert.Equal(ExitCode.Success,
            PerplexityCommand.Run([.. arguments, "--variants", "maha", "hsa-causal", "full", "--contexts", "32", "64", "--tokens", "9000"]));
        var rows = Rows(results);
        Assert.Equal(["maha 32", "hsa-causal 32", "full 32", "maha 64", "hsa-causal 64", "full 64"], rows.Select(row => $"{row[1]} {row[2]}"));
        foreach (string[] row in rows)
        {
            Assert.InRange(Number(row[7]), 9000 * 0.9, 9000 * 1.1); // tokens
            double perToken = Number(row[12]), perByte = Number(row[13]), perWord = Number(row[14]);
            Assert.InRange(perByte, 1, 20); // 280 at first, 1.1 when all is learned
            Assert.True(perByte <= perToken && perToken <= perWord);
        }
        Assert.Equal(ExitCode.Success, PerplexityCommand.Run([.. arguments, "--variants", "full", "--contexts", "32", "--seconds", "1"]));
        Assert.Equal(7, Rows(results).Count);
    }

    [Fact]
    public void Variants_HaveEqualNumbersOfParameters()
    {
        foreach (int context in new[] { 512, 2048, 8192 })
        {
            var settings = PerplexitySettings.Read([]);
            var counts = new List<long>();
            foreach (string kind in PerplexitySettings.Variants.Keys)
            {
                using var model = ComparedModels.Build(ComparedModels.CreateOptions(kind, context, settings.VocabSize, settings), seed: 1);
                counts.Add(ComparedModels.Parameters(model));
            }
            Assert.True(counts.Max() < 1.01 * counts.Min(), string.Join(", ", counts));
        }
    }

    [Fact]
    public void Generate_MeasuresEveryVariant() => Assert.Equal(
        ExitCode.Success,
        GenerateCommand.Run(["--prompts", "20", "100", "--variants", "maha", "hsa-causal", "window", "full", "--d-model", "8",
            "--heads", "2", "--layers", "1", "--vocab", "50", "--tokens", "32", "--threads", $"{torch.get_num_threads()}"]));

    [Theory]
    [InlineData("--variants", "telepathy")]
    [InlineData("--data", "missing-folder")]
    [InlineData("--learning-rate", "fast")]
    [InlineData("--device", "abacus")]
    [InlineData("--contexts", "1")]
    public void WrongOptions_ThrowWithAnExplanation(string option, string value) =>
        Assert.Contains(option, Assert.Throws<UsageException>(() => PerplexityCommand.Run([option, value])).Message, StringComparison.Ordinal);

    private static List<string[]> Rows(string file) =>
        [.. File.ReadAllLines(file).Where(line => line.StartsWith("| ", StringComparison.Ordinal))
            .Skip(2).Select(line => line.Split('|').Select(cell => cell.Trim()).ToArray())];

    private static double Number(string cell) => double.Parse(cell, NumberStyles.Number, CultureInfo.InvariantCulture);
}
