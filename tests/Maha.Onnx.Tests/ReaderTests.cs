using System.Text.Json.Nodes;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.MLNet.Classification;
using Microsoft.ML;

namespace Maha.Onnx.Tests;

// What the reader of an export refuses: files that are not those of the export, and descriptions that can't be right.
public sealed class ReaderTests(Trained models) : IClassFixture<Trained>, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-onnx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FilesOfBpeAndNGrams_ThatAreAltered_AreRefused()
    {
        models.ML.Model.ExportToOnnx(models.Multiclass, _folder, ["a"], new OnnxExportOptions { IncludeNGrams = true });
        AssertAlteredFilesAreRefused("tokenizer.json", "ngrams.bin");
    }

    [Fact]
    public void Vocabulary_ThatIsAltered_IsRefused()
    {
        ExportWindows();
        AssertAlteredFilesAreRefused("vocab.txt");
    }

    // The reader does not open them.
    [Fact]
    public void OtherFiles_MayBeElsewhere()
    {
        ExportWindows();
        foreach (string name in new[] { "model.onnx", "README.md" })
            File.Delete(PathOf(name));
        OnnxTextReader.Load(_folder).Read("the cat");
    }

    public static TheoryData<string, string> Forged => new()
    {
        { """{ "version": 0 }""", "version must be" },
        { """{ "kind": "language model" }""", "kind must be" },
        { """{ "maxTokens": 0 }""", "maxTokens must be" },
        { """{ "maxTokens": -1 }""", "maxTokens must be" },
        { """{ "maxTokens": 1, "overlongDocuments": "KeepStartAndEnd" }""", "maxTokens must be" },
        { """{ "overlongDocuments": 77 }""", "overlongDocuments must be" },
        { """{ "overlongDocuments": "Sideways" }""", "damaged" },
        { """{ "tokenizer": { "kind": "byte-level BPE" } }""", "windows must be left out" },
        { """{ "tokenizer": { "kind": "words" } }""", "tokenizer.kind must be" },
        { """{ "tokenizer": null }""", "damaged" },
        { """{ "windows": { "length": 2, "clsTokenId": 2, "sepTokenId": 3, "sentenceEndIds": [] } }""", "windows.length must be" },
        { """{ "hasNGrams": true, "nGramFormat": 5, "labels": null }""", "labels must be" },
        { """{ "labels": null }""", "labels must be" },
        { """{ "labels": [] }""", "labels must be" },
        { """{ "labels": ["a", null, "c"] }""", "labels must be" },
        { """{ "hasNGrams": true, "nGramFormat": 0 }""", "nGramFormat must be" },
        { """{ "hasNGrams": true, "nGramFormat": 1000 }""", "Update the package" },
        { """{ "hasNGrams": true, "kind": "encoder", "nGramFormat": 5, "labels": null }""", "hasNGrams must be" },
        { """{ "files": null }""", "vocab.txt" },
        { """{ "files": {} }""", "vocab.txt" },
        { """{ "files": { "vocab.txt": null } }""", "vocab.txt" },
    };

    [Theory]
    [MemberData(nameof(Forged))]
    public void Description_ThatCannotBeRight_IsRefusedAtLoad(string changes, string rule)
    {
        ExportWindows();
        var description = JsonNode.Parse(File.ReadAllText(PathOf("maha.json")))!.AsObject();
        foreach (var (name, value) in JsonNode.Parse(changes)!.AsObject())
            description[name] = value?.DeepClone();
        File.WriteAllText(PathOf("maha.json"), description.ToJsonString());
        var refusal = Assert.Throws<InvalidDataException>(() => OnnxTextReader.Load(_folder));
        Assert.Contains(rule, refusal.Message, StringComparison.Ordinal);
        Assert.Contains("maha.json", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("again", refusal.Message, StringComparison.Ordinal);
    }

    // Every byte counts: in the middle, at the end, one more and one less.
    private void AssertAlteredFilesAreRefused(params string[] names)
    {
        OnnxTextReader.Load(_folder);
        foreach (string name in names)
        {
            byte[] content = File.ReadAllBytes(PathOf(name)), middle = [.. content], last = [.. content];
            middle[content.Length / 2] ^= 1;
            last[^1] ^= 1;
            foreach (byte[] altered in new[] { middle, last, [.. content, (byte)'\n'], content[..^1], [] })
            {
                File.WriteAllBytes(PathOf(name), altered);
                string message = Assert.Throws<InvalidDataException>(() => OnnxTextReader.Load(_folder)).Message;
                Assert.Contains(name, message, StringComparison.Ordinal);
                Assert.Contains("SHA-256", message, StringComparison.Ordinal);
                Assert.Contains("Copy the whole folder again", message, StringComparison.Ordinal);
            }
            File.WriteAllBytes(PathOf(name), content);
        }
        OnnxTextReader.Load(_folder);
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    private void ExportWindows()
    {
        using var model = new MahaTextClassificationTransformer(RandomModels.WindowedClassifier(
            AttentionTests.Options(new FullOptions(), PositionKind.Learned), windowLength: 16, chunkLength: 4, document: null));
        models.ML.Model.ExportToOnnx(model, _folder, ["the cat"]);
    }
}
