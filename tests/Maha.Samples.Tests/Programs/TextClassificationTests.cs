using System.Text.RegularExpressions;

namespace Maha.Samples.Tests.Programs;

public sealed class TextClassificationTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Help_NamesTheOptions()
    {
        var (exitCode, output, _) = Run("--help");
        Assert.Equal(0, exitCode);
        Assert.All(new[] { "--data", "--label-column", "--text-column", "--quick", "--model", "predict" },
            option => Assert.Contains(option, output, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--unheard", "--unheard")]
    [InlineData("--task of", "Argument 'of' not recognized")]
    [InlineData("--epochs many", "many")]
    [InlineData("--epochs 0", "--epochs must be at least 1, but is 0.")]
    [InlineData("--threads -2", "--threads must be at least 1, but is -2.")]
    [InlineData("--max-tokens 0", "--max-tokens must be at least 1, but is 0.")]
    [InlineData("--minutes 0", "--minutes must be above 0 and at most 10000, but is 0.")]
    [InlineData("--minutes NaN", "--minutes must be above 0")]
    [InlineData("--from-scratch --attention telepathy", "telepathy")]
    [InlineData("--attention Maha", "--attention and --aggregation need --from-scratch or --document-layers")]
    [InlineData("--from-scratch --document-layers 2", "--document-layers follow the pretrained encoder")]
    [InlineData("--document-layers 0", "--document-layers must be at least 1, but is 0.")]
    [InlineData("--data missing.tsv", "--data and --test must name files, but there is no")]
    [InlineData("--data own.tsv --label-column topic", "--label-column must be a number from 0 or a name in the first line, but is 'topic'.")]
    [InlineData("--data own.tsv --text-column -1", "--text-column must be a number from 0 or a name in the first line, but is '-1'.")]
    [InlineData("--data own.tsv --label-column 7", "no column 7")]
    [InlineData("--data empty.tsv", "no column 0")]
    [InlineData("--data own.tsv --test missing.tsv", "there is no")]
    [InlineData("--data one.tsv --quick", "at least two classes")]
    [InlineData("predict --model missing.zip own.tsv", "missing.zip")]
    [InlineData("predict --model own.tsv own.tsv", "zip")]
    [InlineData("predict", "Required argument missing")]
    public void WrongArguments_EndWithOneMessage(string arguments, string message)
    {
        Write("own.tsv", "label\ttext", "a\tone", "b\ttwo");
        Write("one.tsv", [.. Enumerable.Repeat("a\tsome words", 20)]);
        Write("empty.tsv");
        var (exitCode, output, error) = Run(arguments.Split(' '));
        Assert.Equal(1, exitCode);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output + error, StringComparison.Ordinal);
    }

    [Fact]
    public void OwnDocuments_WithNamesInTheFirstLine_AreTrainedOnAndPredicted()
    {
        Write("own.tsv", [.. Documents(60).Select(document => $"{document.Text}\tignored\t{document.Label}").Prepend("body\tid\ttopic")]);
        var (exitCode, output, error) =
            Run("--data", "own.tsv", "--label-column", "topic", "--text-column", "body", "--quick", "--epochs", "20", "--threads", "1", "--model", "own.zip");
        Assert.True(exitCode == 0, output + error);
        var summary = Regex.Match(output, @"^accuracy=([\d.]+) macro_f1=[\d.]+ baseline_accuracy=[\d.]+ seconds=\d+\r?$", RegexOptions.Multiline);
        Assert.True(summary.Success, output);
        Assert.True(File.Exists(Path.Combine(_folder, "own.zip")));

        Write("texts.tsv", "\tcat dog cat dog", "whatever\thammer saw hammer saw", "\t");
        (exitCode, output, error) = Run("predict", "--model", "own.zip", "texts.tsv");
        Assert.True(exitCode == 0, error);
        string[] lines = output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("animals\t", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("tools\t", lines[1], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("--document-layers 1 --attention Maha", true)]
    [InlineData("--from-scratch --attention Maha", false)]
    public void OwnDocuments_WithColumnNumbers_AndATestFile_AreTrainedOn(string arguments, bool isPretrained)
    {
        Write("train.tsv", [.. Documents(40).Select(document => $"{document.Label}\t{document.Text}")]);
        Write("test.tsv", [.. Documents(10).Select(document => $"{document.Label}\t{document.Text}")]);
        string[] more = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var (exitCode, output, error) = Run(["--data", "train.tsv", "--test", "test.tsv", "--quick", "--epochs", "2", "--threads", "1", .. more]);
        Assert.True(exitCode == 0, output + error);
        Assert.Equal(isPretrained, output.Contains("'all-MiniLM-L6-v2'", StringComparison.Ordinal));
        Assert.Contains("accuracy=", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(_folder, "model.zip")));
    }

    [Fact]
    public void Folder_WhoseFoldersAreTheLabels_IsTrainedOn()
    {
        foreach (var (document, i) in Documents(40).Select((document, i) => (document, i)))
        {
            Directory.CreateDirectory(Path.Combine(_folder, "own", document.Label));
            File.WriteAllText(Path.Combine(_folder, "own", document.Label, $"{i}.html"), $"<p>{document.Text}</p>");
        }
        Write("own/broken.html");
        Write("test.csv", [.. Documents(10).Select(document => $"\"{document.Text}\",{document.Label}").Prepend("text,label")]);
        var (exitCode, output, error) = Run("--data", "own", "--test", "test.csv", "--from-scratch", "--quick", "--epochs", "1", "--threads", "1");
        Assert.True(exitCode == 0, output + error);
        Assert.Contains("Skipped broken.html: The file is empty", output, StringComparison.Ordinal);
        Assert.Contains("accuracy=", output, StringComparison.Ordinal);
    }

    private static IEnumerable<(string Label, string Text)> Documents(int count)
    {
        var random = new Random(1);
        string[] animals = ["cat", "dog", "otter"], tools = ["hammer", "saw", "drill"];
        for (int i = 0; i < count; i++)
        {
            string[] words = i % 2 == 0 ? animals : tools;
            yield return (i % 2 == 0 ? "animals" : "tools", string.Join(' ', Enumerable.Range(0, 8).Select(_ => words[random.Next(3)])));
        }
    }

    private (int ExitCode, string Output, string Error) Run(params string[] arguments) => SampleProgram.Run("TextClassification", _folder, arguments);

    private void Write(string name, params string[] lines) => File.WriteAllLines(Path.Combine(_folder, name), lines);
}
