using System.Globalization;
using System.Text.Json.Nodes;
using Maha.Benchmarks.Swap;
using Maha.Benchmarks.Training;
using Maha.MLNet.Tests.TextEncoding;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Tests.Training;

/// <summary>The measurements that train classifiers, on documents of a few words.</summary>
public sealed class ClassifierStudiesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public ClassifierStudiesTests()
    {
        var random = new Random(1);
        string[][] words = [["cat", "dog", "otter"], ["hammer", "saw", "drill"]];
        foreach (string name in new[] { "train.tsv", "test.tsv" })
        {
            File.WriteAllLines(Path.Combine(_folder, name), Enumerable.Range(0, 24).Select(i =>
                $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 20).Select(_ => words[i % 2][random.Next(3)]))}."));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Ablation_MeasuresEveryVariant_AndNoneTwice()
    {
        Run(AblationCommand.Run, "--variants", "maha-convex", "full", "hsa-document");
        Run(AblationCommand.Run, "--variants", "maha-convex", "window");
        var rows = Rows();
        Assert.Equal(["maha-convex", "full", "hsa-document", "window"], rows.Select(row => (string)row["variant"]!));
        Assert.All(rows, row => Assert.InRange((double)row["accuracy"]!, 0, 1));
        Assert.All(rows, row => Assert.Equal(2, row["layers"]!.AsArray().Count));
        double[] weights = [.. rows[0]["layers"]![0]!["scale_weights"]!.AsArray().Select(value => (double)value!)];
        Assert.Equal(1, weights.Sum(), 1e-4);
        Assert.All(rows, row => Assert.True((double)row["layers"]![0]!["entropy"]![0]! > 0));
    }

    [Fact]
    public void Swap_MeasuresEveryNumberOfLayers_AndNoneTwice()
    {
        string[] swap = ["--seeds", "3", "--branching", "4", "--samples", "8", "--models", Path.Combine(_folder, "models")];
        Run(SwapCommand.Run, swap);
        string first = File.ReadAllText(Out);
        Run(SwapCommand.Run, swap);
        Assert.Equal(first, File.ReadAllText(Out));
        var rows = Rows();
        Assert.Equal([0, 1, 2], rows.Select(row => (int)row["swapped"]!));
        Assert.Equal((double)rows[0]["accuracy"]!, (double)rows[0]["uniform_accuracy"]!); // no layer is uniform yet
        Assert.Equal("0 1", (string)rows[2]["layers"]!);
        Assert.True((long)rows[2]["attention_flops"]! < (long)rows[0]["attention_flops"]!);
        Assert.True((double)rows[2]["prediction_distance"]! > 0);
    }

    [Fact]
    public void PretrainedSwap_MeasuresEveryNumberOfLayers_AndDocumentsLongerThanAWindow()
    {
        string bert = SmallBert.WriteFolder();
        try
        {
            string[] swap =
            [
                "--pretrained", bert, "--data", Path.Combine(_folder, "train.tsv"), "--test", Path.Combine(_folder, "test.tsv"), "--out", Out,
                "--threads", Threads, "--models", Path.Combine(_folder, "models"), "--window", "12", "--long-tokens", "40", "--epochs", "1", "--samples", "4", "--timed", "3",
                "--branching", "4",
            ];
            Assert.Equal(ExitCode.Success, SwapCommand.Run(swap));
            string first = File.ReadAllText(Out);
            Assert.Equal(ExitCode.Success, SwapCommand.Run(swap));
            Assert.Equal(first, File.ReadAllText(Out));
            Assert.Throws<UsageException>(() => SwapCommand.Run([.. swap, "--d-model", "16"]));
            Assert.Throws<UsageException>(() => SwapCommand.Run(["--pretrained", bert, "--window", "21", "--long-tokens", "40"]));
        }
        finally
        {
            Directory.Delete(bert, recursive: true);
        }
        var rows = Rows();
        Assert.Equal([0, 1, 2], rows.Select(row => (int)row["swapped"]!));
        // No layer is swapped yet: the same bits, and nothing is uniform.
        Assert.Equal(0, (double)rows[0]["kl"]!);
        Assert.Equal((double)rows[0]["accuracy"]!, (double)rows[0]["uniform_accuracy"]!);
        Assert.True((double)rows[2]["kl"]! > 0);
        Assert.True((double)rows[2]["whole_attention_gflop"]! < (double)rows[0]["whole_attention_gflop"]!);
        Assert.All(rows, row => Assert.True((double)row["ms"]! > 0));
        foreach (string name in new[] { "tuned_accuracy", "long_accuracy", "long_first_accuracy", "whole_repeat_accuracy", "tuned_whole_interpolate_accuracy" })
            Assert.All(rows, row => Assert.InRange((double)row[name]!, 0, 1));
        Assert.InRange((double)rows[2]["whole_tuned_long_accuracy"]!, 0, 1);
        Assert.Null(rows[1]["whole_tuned_long_accuracy"]);
    }

    [Theory]
    [InlineData("--variants", "telepathy")]
    [InlineData("--data", "missing.tsv")]
    public void WrongOption_IsRefused(string option, string value) =>
        Assert.Throws<UsageException>(() => AblationCommand.Run([option, value, "--out", Out, "--threads", Threads]));

    private string Out => Path.Combine(_folder, "results.jsonl");

    private static string Threads => get_num_threads().ToString(CultureInfo.InvariantCulture);

    private void Run(Func<string[], int> command, params string[] arguments) => Assert.Equal(ExitCode.Success, command([
        .. arguments, "--data", Path.Combine(_folder, "train.tsv"), "--test", Path.Combine(_folder, "test.tsv"), "--out", Out, "--threads", Threads,
        "--epochs", "1", "--max-tokens", "32", "--d-model", "16", "--heads", "2", "--layers", "2", "--tokens-per-batch", "256",
    ]));

    private List<JsonObject> Rows() => [.. File.ReadAllLines(Out).Select(line => JsonNode.Parse(line)!.AsObject())];
}
