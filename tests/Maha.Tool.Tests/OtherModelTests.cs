using System.Text.Json;

namespace Maha.Tool.Tests;

// Models of kinds that the tool does not train, with commands that run them and with others.
[Collection(OtherTests.Name)]
public sealed class OtherModelTests(OtherModels models)
{
    [Theory]
    [InlineData("tags.zip", "Score, Probability")]
    [InlineData("multiclass.zip", "Score")]
    [InlineData("binary.zip", "")]
    public void Embed_RefusesScores_UnlessTheyAreNamed(string model, string scores)
    {
        string rule = $"maha: --model must be an encoder, which adds a column of vectors, but '{model}' has ";
        var result = models.Run($"embed texts.jsonl -m {model}");
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.StartsWith(rule + (scores.Length == 0 ? "none" : $"only scores: {scores}"), result.Error, StringComparison.Ordinal);
        Assert.Contains("'maha train --encoder'", result.Error, StringComparison.Ordinal);
        if (scores.Length == 0)
            return;
        Assert.Contains("or name a column with --column", result.Error, StringComparison.Ordinal);
        result = models.Run($"embed texts.jsonl -m {model} --column Score");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.All(result.Lines, line => Assert.True(JsonDocument.Parse(line).RootElement.TryGetProperty("vector", out _)));
    }

    // Features of a trainer of ML.NET are a vector of the text.
    [Fact]
    public void Embed_TakesTheFeatures_OfAModelWithScores()
    {
        var result = models.Run("embed texts.jsonl -m sdca.zip");
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Assert.True(JsonDocument.Parse(result.Lines[0]).RootElement.GetProperty("vector").GetArrayLength() > 2);
    }

    // The common last step of a pipeline of ML.NET, which leaves the names of the classes to the scores.
    [Theory]
    [InlineData("sdca.zip", "sdca-named.zip")]
    [InlineData("multiclass.zip", "named.zip")]
    public void PredictedTexts_AreReadAsKeysAre(string keys, string texts)
    {
        foreach (string command in new[] { "predict texts.jsonl --scores", "predict texts.jsonl --scores --line-buffered", "evaluate texts.jsonl" })
        {
            var result = models.Run($"{command} -m {texts}");
            Assert.Equal((0, ""), (result.ExitCode, result.Error));
            Assert.Contains("animals", result.Output, StringComparison.Ordinal);
            Assert.Equal(models.Run($"{command} -m {keys}").Output, result.Output);
        }
    }

    [Theory]
    [InlineData("predict")]
    [InlineData("evaluate")]
    public void PredictedNumbers_AreRefused_WithTheTypesOfTheColumns(string command)
    {
        var result = models.Run($"{command} texts.jsonl -m numbered.zip");
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.StartsWith("maha: --model must be a classifier", result.Error, StringComparison.Ordinal);
        Assert.Contains("PredictedLabel (Single)", result.Error, StringComparison.Ordinal);
        Assert.Contains("such as MapKeyToValue.", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("maha embed", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("__document", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("export texts.jsonl -m tags.zip -o onnx", "Multi-label classifiers and language models can't be exported.")]
    [InlineData("export texts.jsonl -m sdca.zip -o onnx", "--model must be a classifier or an encoder of Maha, but 'sdca.zip' is not.")]
    [InlineData("evaluate texts.jsonl -m tags.zip", "Several labels per document are measured by MahaEvaluateMultiLabel in a program.")]
    [InlineData("report texts.jsonl -m tags.zip", "--model must be a text classifier of Maha, but 'tags.zip' is not.")]
    [InlineData("explain texts.jsonl -m tags.zip", "--model must be a text classifier of Maha, but 'tags.zip' is not.")]
    public void ModelsOfAnotherKind_AreWrongUsage(string command, string message)
    {
        var result = models.Run(command);
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        string error = Assert.Single(ToolProcess.LinesOf(result.Error));
        Assert.StartsWith("maha: ", error, StringComparison.Ordinal);
        Assert.Contains(message, error, StringComparison.Ordinal);
        Assert.DoesNotContain("unexpected error", error, StringComparison.Ordinal);
        Assert.DoesNotContain("maha embed", error, StringComparison.Ordinal);
    }
}
