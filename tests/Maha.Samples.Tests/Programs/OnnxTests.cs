namespace Maha.Samples.Tests.Programs;

// The three programs as a user runs them, one after the other.
public sealed class OnnxTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("minilm")]
    [InlineData("scratch")]
    public void ExportedClassifier_HasTheSameProbabilities_InMLNetAndInAConsoleWithoutMaha(string start)
    {
        string[] animals = ["cat", "dog", "Otter's"], tools = ["hammer", "$5 saw", "drîll"];
        var random = new Random(1);
        string path = Path.Combine(_folder, "documents.tsv"), exported = Path.Combine(_folder, "exported");
        File.WriteAllLines(path, Enumerable.Range(0, 40).Select(i =>
            $"{(i % 2 == 0 ? "animals" : "tools")}\t{string.Join(' ', Enumerable.Range(0, 8).Select(_ => (i % 2 == 0 ? animals : tools)[random.Next(3)]))}."));
        string[] export = Run("OnnxExport", path, exported, start);
        Assert.StartsWith("ONNX Runtime equals the model on 40 texts", export[0], StringComparison.Ordinal);
        foreach (string program in new[] { "OnnxMLNet", "OnnxConsole" })
        {
            string[] lines = Run(program, exported, path);
            for (int row = 0; row < 3; row++)
                Assert.All(Numbers(lines[row]).Zip(Numbers(export[row + 1])), pair => Assert.Equal(pair.First, pair.Second, 2e-4));
            Assert.EndsWith("of 40 predictions are the label", lines[3], StringComparison.Ordinal);
            // The program's folder must be free of libtorch.
            Assert.Empty(Directory.GetFiles(SampleProgram.FolderOf(program), "libtorch*", SearchOption.AllDirectories));
        }
    }

    private string[] Run(string program, params string[] arguments)
    {
        var (exitCode, output, error) = SampleProgram.Run(program, _folder, arguments);
        Assert.True(exitCode == 0, error);
        return output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }

    private static double[] Numbers(string line) => [.. line.Split(' ').Select(number => double.Parse(number, System.Globalization.CultureInfo.CurrentCulture))];
}
