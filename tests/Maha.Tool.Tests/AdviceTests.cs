namespace Maha.Tool.Tests;

// What commands advise: options of the tool, and nothing that misleads.
[Collection(ToyTests.Name)]
public sealed class AdviceTests(ToyModels models)
{
    private static readonly string[] s_libraryTerms =
    [
        "Look at column", "IncludeNGrams", "Progress", "MaxSequenceLength", "MaxTrainingTime", "NumberOfEpochs", "PretrainedModel", "TextField",
        "MahaTextClassification", " %", "   at ",
    ];

    [Theory]
    [InlineData("train --from-scratch -m none.zip")]
    [InlineData("evaluate -m toys.zip")]
    [InlineData("report -m toys.zip -o none.html")]
    public void DocumentsWithoutLabels_AreToldHowToHaveSome(string command)
    {
        File.WriteAllLines(Path.Combine(models.Folder, "bare.jsonl"), Enumerable.Repeat("{\"text\":\"cat dog\"}", 10));
        var result = Run($"{command} bare.jsonl");
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.EndsWith(" Set --label-field, or name the folders by the labels.\n", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train --from-scratch -m none.zip")]
    [InlineData("train --from-scratch --test-fraction 0 -m none.zip")]
    [InlineData("train --encoder --from-scratch -m none.zip")]
    [InlineData("evaluate -m toys.zip")]
    [InlineData("report -m toys.zip -o none.html")]
    [InlineData("export -m toys.zip -o none")]
    public void WrongFieldOfTheText_IsTheOnlyAdvice(string command)
    {
        foreach (int count in new[] { 1, 10 })
        {
            File.WriteAllLines(Path.Combine(models.Folder, "body.jsonl"), Enumerable.Repeat("{\"body\":\"cat dog\",\"label\":\"animals\"}", count));
            var result = Run($"{command} body.jsonl");
            Assert.Equal((1, ""), (result.ExitCode, result.Output));
            string[] errors = [.. ToolProcess.LinesOf(result.Error).Where(line => line.StartsWith("maha: ", StringComparison.Ordinal))];
            Assert.Equal(count + 1, errors.Length);
            Assert.All(errors[..count], error => Assert.EndsWith(" Set --text-field.", error, StringComparison.Ordinal));
            Assert.Equal(
                $"maha: There must be a document that can be read, but {(count == 1 ? "the only one" : "each of 10")} is an error. Look at the messages above.",
                errors[count]);
        }
    }

    [Fact]
    public void Export_NamesItsOptions_AndWritesPercentsAsEnglishDoes()
    {
        var result = Run("export data -m toys.zip -o advice");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Add --ngrams to export them.", result.Error, StringComparison.Ordinal);
        Assert.Matches(@"the same for \d+\.\d% of", result.Error);
        result = Run("export data -m encoder.zip -o advice --ngrams");
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains("--ngrams must not be set for an encoder", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void PretrainedEncoder_WarnsOfOptionsOfTheCallerOnly()
    {
        var result = Run("train data --encoder --max-tokens 64 -m pretrained.zip");
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain("no effect", result.Error, StringComparison.Ordinal);
        result = Run("train data --encoder --max-tokens 64 --epochs 7 -m pretrained.zip");
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("warning: --epochs has no effect with the pretrained encoder", result.Error, StringComparison.Ordinal);
        Assert.Contains("Leave it out, or add --from-scratch.", result.Error, StringComparison.Ordinal);
    }

    private Result Run(string command)
    {
        var result = ToolProcess.Run(models.Folder, (string?)null, [.. command.Split(' '), "--threads", "2"]);
        Assert.All(s_libraryTerms, term => Assert.DoesNotContain(term, result.Error, StringComparison.Ordinal));
        return result;
    }
}
