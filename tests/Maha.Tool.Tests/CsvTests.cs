using System.Text.Json;

namespace Maha.Tool.Tests;

// Files of records: with and without header, by every separator, in every command that reads them.
[Collection(ToyTests.Name)]
public sealed class CsvTests(ToyModels models)
{
    [Theory]
    [InlineData("bare.tsv", '\t', "--text-field 1 --label-field 0 --no-header")]
    [InlineData("bare.csv", '\t', "--text-field 1 --label-field 0 --no-header --separator tab")]
    [InlineData("semicolon.csv", ';', "--text-field 1 --label-field 0 --no-header --separator ;")]
    [InlineData("named.csv", ';', "--text-field 1 --label-field 0 --no-header --separator semicolon")]
    [InlineData("pipe.tsv", '|', "--text-field 1 --label-field 0 --no-header --separator pipe")]
    public void NoHeader_HasTheFirstRecord_InEveryCommand(string name, char separator, string options)
    {
        var random = new Random(3);
        File.WriteAllLines(
            Path.Combine(models.Folder, name),
            Enumerable.Range(0, 20).Select(i => $"{(i % 2 == 0 ? "animals" : "t\u00F6\u00F6ls")}{separator}{ToyModels.Text(i % 2, random)}"));
        var predicted = Run("predict -m toys.zip --keep 0");
        Assert.Equal(20, predicted.Length);
        Assert.Equal((1, "animals"), (predicted[0].GetProperty("line").GetInt32(), predicted[0].GetProperty("0").GetString()));
        Assert.Equal(20, Assert.Single(Run("evaluate -m toys.zip")).GetProperty("documents").GetInt32());
        if (name != "bare.tsv")
            return;
        Assert.Equal(20, Assert.Single(Run("report -m toys.zip -o bare.html")).GetProperty("documents").GetInt32());
        Assert.Equal(20, Run("explain -m toys.zip --windows 0").Length);
        Assert.Equal(20, Run("embed -m encoder.zip").Length);
        Assert.Equal(20, Assert.Single(Run("export -m toys.zip -o bare")).GetProperty("texts").GetInt32());
        Assert.All(new[] { "train", "train --encoder" }.Select(train => $"{train} --from-scratch --epochs 1 --max-tokens 32 -m bare.zip"), command
            => Assert.Equal(20, Assert.Single(Run(command)).GetProperty("documents").GetInt32()));

        JsonElement[] Run(string command)
        {
            var result = ToolProcess.Run(models.Folder, (string?)null, [.. command.Split(' '), name, .. options.Split(' '), "--threads", "1", "-q"]);
            Assert.True(result.ExitCode == 0, result.Error);
            return [.. result.Lines.Select(line => JsonDocument.Parse(line).RootElement)];
        }
    }

    [Theory]
    [InlineData("", "text", "a\u00A7b\ncat;dog\n", "If the file has no header, add --no-header; if its fields are separated otherwise, set --separator.")]
    [InlineData("--no-header", "5", "cat,dog\n", "Set --text-field. If its fields are separated otherwise, set --separator.")]
    public void MissingColumn_NamesTheOptions(string option, string field, string content, string advice)
    {
        File.WriteAllText(Path.Combine(models.Folder, "missing.csv"), content);
        var result = ToolProcess.Run(
            models.Folder, (string?)null,
            ["predict", "missing.csv", "-m", "toys.zip", "--text-field", field, .. option.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--threads", "1"]);
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(advice, result.Error, StringComparison.Ordinal);
    }
}
