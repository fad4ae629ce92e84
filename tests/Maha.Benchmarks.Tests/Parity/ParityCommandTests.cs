using System.Text.Json.Nodes;
using Maha.Benchmarks.Parity;

namespace Maha.Benchmarks.Tests.Parity;

public sealed class ParityCommandTests
{
    private static readonly string s_soundFile = Path.Combine(AppContext.BaseDirectory, "Vectors", "mask_8.json");

    [Fact]
    public void ValidFile_Succeeds() => Assert.Equal(ExitCode.Success, ParityCommand.Run([s_soundFile]));

    [Theory]
    [InlineData("mask", "null")]
    [InlineData("theta", "[]")]
    [InlineData("out", "[[]]")]
    [InlineData("branching_leaf_to_root", "[0, 8]")]
    [InlineData("tree_spans", "{\"span\": []}")]
    public void InvalidFile_Fails_AndDoesNotEndTheRun(string field, string json)
    {
        string path = Path.GetTempFileName();
        try
        {
            var file = JsonNode.Parse(File.ReadAllText(s_soundFile))!.AsObject();
            file[field] = JsonNode.Parse(json);
            File.WriteAllText(path, file.ToJsonString());
            Assert.Equal(ExitCode.Failure, ParityCommand.Run([path, s_soundFile]));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData]
    [InlineData("--all")]
    public void WrongArguments_AreRefused(params string[] arguments) => Assert.Throws<UsageException>(() => ParityCommand.Run(arguments));
}
