namespace Maha.Tool.Tests;

/// <summary>The tests that share the models.</summary>
[CollectionDefinition(Name)]
public sealed class ToyTests : ICollectionFixture<ToyModels>
{
    public const string Name = "toys";
}

/// <summary>A folder with documents, and models that the tool has trained on them once for all tests.</summary>
public sealed class ToyModels : IDisposable
{
    private static readonly string[][] s_words = [["cat", "dog", "otter", "sheep"], ["hammer", "saw", "drill", "plane"]];

    public ToyModels()
    {
        var random = new Random(1);
        for (int i = 0; i < 80; i++)
        {
            string folder = Path.Combine(Folder, "data", i % 2 == 0 ? "animals" : "tööls");
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, $"{i:D2}.txt"), Text(i % 2, random));
        }
        Classifier = ToolProcess.Run(
            Folder, (string?)null, "train", "data", "--from-scratch", "--epochs", "4", "--max-tokens", "64", "--threads", "1", "--model", "toys.zip");
        Encoder = ToolProcess.Run(
            Folder, (string?)null, "train", "data", "--encoder", "--from-scratch", "--epochs", "1", "--max-tokens", "64", "--threads", "1", "-q",
            "--model", "encoder.zip");
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    /// <summary>The run that has trained toys.zip.</summary>
    internal Result Classifier { get; }

    /// <summary>The run that has trained encoder.zip.</summary>
    internal Result Encoder { get; }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    /// <summary>A text of a class.</summary>
    internal static string Text(int label, Random random) => string.Join(' ', Enumerable.Range(0, 8).Select(_ => s_words[label][random.Next(4)]));
}
