using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.Onnx.Tests;

// The files of an export: another export into their folder, and files that were damaged or forged.
public sealed class FolderTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-onnx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AnotherModel_ReplacesTheFilesOfTheEarlierOne_AndNoOtherFile()
    {
        ExportWholeDocuments();
        foreach (string own in new[] { "notes.txt", "ngrams.bin" })
            File.WriteAllText(PathOf(own), "own");
        ExportWindows();
        Assert.Equal(["README.md", "maha.json", "model.onnx", "ngrams.bin", "notes.txt", "vocab.txt"], Files());
        ExportWholeDocuments();
        Assert.Equal(["README.md", "maha.json", "merges.txt", "model.onnx", "ngrams.bin", "notes.txt", "tokenizer.json", "vocab.json"], Files());
        OnnxTextReader.Load(_folder).Read("the cat");
    }

    // Names of another folder, and a description that is none, must not lead to a deletion.
    [Fact]
    public void ForgedDescription_DeletesNoOtherFile()
    {
        string outside = Directory.CreateTempSubdirectory("maha-onnx-").FullName, other = Path.Combine(outside, "vocab.txt");
        try
        {
            File.WriteAllText(other, "own");
            File.WriteAllText(PathOf("notes.txt"), "own");
            string relative = Path.GetRelativePath(_folder, other).Replace('\\', '/');
            ExportWholeDocuments();
            string json = File.ReadAllText(PathOf("maha.json"));
            string names = string.Concat(new[] { "notes.txt", relative, other.Replace('\\', '/') }.Select(name => $"\"{name}\": \"\", "));
            string forged = json.Replace("\"files\": {", "\"files\": {" + names, StringComparison.Ordinal);
            Assert.NotEqual(json, forged);
            foreach (string description in new[] { forged, "{", "null", "" })
            {
                File.WriteAllText(PathOf("maha.json"), description);
                ExportWholeDocuments();
                Assert.True(File.Exists(other));
                Assert.True(File.Exists(PathOf("notes.txt")));
                OnnxTextReader.Load(_folder).Read("the cat");
            }
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public void NullText_IsRefused_WithItsIndex()
    {
        using var classifier = WholeDocuments();
        using var model = new MahaTextClassificationTransformer(classifier);
        var refusal = Assert.Throws<ArgumentException>(() => new MLContext().Model.ExportToOnnx(model, _folder, ["a", null!, "b"]));
        Assert.Equal("texts", refusal.ParamName);
        Assert.Contains("text 1 is null", refusal.Message, StringComparison.Ordinal);
        Assert.Empty(Files());
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private string[] Files() => [.. Directory.GetFiles(_folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    private void ExportWholeDocuments() => Export(WholeDocuments());

    private void ExportWindows() => Export(Windows());

    private void Export(TextClassifier classifier)
    {
        using var model = new MahaTextClassificationTransformer(classifier);
        new MLContext().Model.ExportToOnnx(model, _folder, ["the cat", "a dog"]);
    }

    private static TextClassifier WholeDocuments() => RandomModels.Classifier(AttentionTests.Options(new FullOptions(), PositionKind.Rotary));

    private static TextClassifier Windows() => RandomModels.WindowedClassifier(
        AttentionTests.Options(new FullOptions(), PositionKind.Learned), windowLength: 16, chunkLength: 4, document: null);
}
