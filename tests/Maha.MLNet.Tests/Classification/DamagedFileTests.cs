using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Maha.Layers.Weights;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;

namespace Maha.MLNet.Tests.Classification;

/// <summary>A damaged model file is refused with a message: no crash, no different scores, and no memory for sizes that only the file claims.</summary>
[Collection(FittedCollection.Name)]
public class DamagedFileTests
{
    private static readonly string[] s_streams = ["Classifier.json", "Tokenizer", "Weights.safetensors", "Checksums"];

    private readonly FittedModels _fitted;
    private readonly byte[] _zip;

    public DamagedFileTests(FittedModels fitted)
    {
        _fitted = fitted;
        _zip = ModelZip.Save(fitted.MLContext, fitted.Binary, fitted.Verdicts.Schema);
    }

    [Fact]
    public void TruncatedFile_Throws()
    {
        for (int i = 0; i < 60; i++)
        {
            byte[] part = _zip[..(int)((long)_zip.Length * i / 60)];
            Assert.ThrowsAny<Exception>(() => ModelZip.Load(part));
        }
    }

    [Fact]
    public void FlippedByteOfTheFile_Throws_OrChangesNoScore()
    {
        var random = new Random(1);
        var expected = Rows.Of(_fitted.Binary.Transform(_fitted.Verdicts));
        int refused = 0;
        for (int i = 0; i < 120; i++)
        {
            byte[] damaged = [.. _zip];
            damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
            ITransformer? model = null;
            try
            {
                model = ModelZip.Load(damaged);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                refused++;
            }
            if (model is null)
                continue;
            Assert.Equal(expected, Rows.Of(model.Transform(_fitted.Verdicts)));
            ((IDisposable)model).Dispose();
        }
        Assert.True(refused > 60, $"{refused} of 120 refused");
    }

    [Fact]
    public void FlippedByteOfAnyStream_Throws()
    {
        foreach (string name in s_streams)
        {
            var zip = new ModelZip(_zip);
            byte[] whole = zip[name];
            for (int i = 0; i < 40; i++)
            {
                byte[] damaged = [.. whole];
                damaged[(int)((long)(whole.Length - 1) * i / 39)] ^= (byte)(1 << i % 7);
                zip[name] = damaged;
                Assert.EndsWith("The file is damaged: save the model again.", Refused(zip), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void TruncatedStream_Throws_EvenWithTheRightChecksum()
    {
        foreach (string name in s_streams[..3])
        {
            var zip = new ModelZip(_zip);
            byte[] whole = zip[name];
            for (int i = 0; i < 20; i++)
            {
                zip[name] = whole[..(int)((long)whole.Length * i / 20)];
                zip.Sign();
                Refused(zip);
            }
        }
    }

    // Numbers like any others to a checksum.
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.NegativeInfinity)]
    public void WeightsThatAreNotFinite_AreRefusedByName_EvenWithTheRightChecksum(float value)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        var zip = new ModelZip(_zip);
        using var reader = new SafetensorsReader(new MemoryStream(zip["Weights.safetensors"]));
        var weights = reader.ReadAll();
        weights["head.bias"][0] = value;
        using var changed = new MemoryStream();
        SafetensorsWriter.Write(changed, weights);
        zip["Weights.safetensors"] = changed.ToArray();
        zip.Sign();
        Assert.Contains(
            "1 of 2 numbers of 'head.bias' are NaN or infinite", Failures.AssertRefused<MahaModelFileException>(zip.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void NGramsThatAreNotFinite_AreRefused_EvenWithTheRightChecksum()
    {
        byte[] saved = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "SavedModels", "multiclass-hsa-ngrams.zip"));
        byte[] whole = new ModelZip(saved)["NGrams"];
        var random = new Random(3);
        int refused = 0;
        for (int i = 0; i < 60; i++)
        {
            var zip = new ModelZip(saved);
            byte[] changed = [.. whole];
            // The numbers of the stream are in its middle; a NaN of any size is all ones.
            changed.AsSpan(random.Next(whole.Length / 2, whole.Length - 64), 16).Fill(0xff);
            zip["NGrams"] = changed;
            zip.Sign();
            Failures.AssertRefused<MahaModelFileException>(zip.ToArray());
            refused++;
        }
        Assert.Equal(60, refused);
    }

    [Fact]
    public void AChangedWeightFile_IsRefused()
    {
        string path = Path.GetTempFileName();
        try
        {
            _fitted.Binary.SaveWeights(path);
            byte[] whole = File.ReadAllBytes(path);
            var random = new Random(4);
            for (int i = 0; i < 200; i++)
            {
                byte[] changed = [.. whole];
                changed[random.Next(i % 2 == 0 ? whole.Length : Math.Min(whole.Length, 2000))] ^= (byte)(1 << random.Next(8));
                File.WriteAllBytes(path, changed);
                Assert.Throws<MahaModelFileException>(() => PretrainedFile.Open(path));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void AZipThatExpandsTooFar_IsRefused_BeforeItIsRead()
    {
        string path = Path.GetTempFileName();
        try
        {
            var zip = new ModelZip(_zip);
            zip["Tokenizer"] = new byte[100_000_000];
            zip.Sign();
            File.WriteAllBytes(path, zip.ToArray(System.IO.Compression.CompressionLevel.Fastest));
            long before = GC.GetAllocatedBytesForCurrentThread();
            var e = Assert.Throws<MahaModelFileException>(() => PretrainedFile.Open(path));
            Assert.Contains("'Tokenizer' has 100000000 of", e.Message, StringComparison.Ordinal);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000_000);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void MissingStream_Throws()
    {
        foreach (string name in s_streams)
        {
            var zip = new ModelZip(_zip);
            zip.Remove(name);
            Assert.Contains($"must hold the stream '{name}', but the file has none", Refused(zip), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void DamagedTransformerOfAChain_Throws()
    {
        var mlContext = _fitted.MLContext;
        // Not disposed, since it would dispose the shared model.
        var chain = mlContext.Transforms.CopyColumns("Copy", "Text").Fit(_fitted.Verdicts).Append(_fitted.Binary);
        var zip = new ModelZip(ModelZip.Save(mlContext, chain, _fitted.Verdicts.Schema));
        byte[] damaged = zip["Tokenizer"];
        damaged[^1] ^= 1;
        zip["Tokenizer"] = damaged;
        Refused(zip);
    }

    [Fact]
    public void NewerFormatVersion_Throws_WithTheRemedy()
        => Assert.Equal(
            "This version of Maha reads models up to format 5, but the model has format 6. "
                + "Update the package Maha.MLNet, or save the model with the older version.",
            Refused<MahaModelVersionException>(json => (json["FormatVersion"], json["Unheard"]) = (6, "of")));

    [Fact]
    public void NewerFrameVersion_Throws()
    {
        var zip = new ModelZip(_zip);
        byte[] key = [.. zip["Model.key"]];
        BinaryPrimitives.WriteUInt32LittleEndian(key.AsSpan(0x48), 0x00020001); // model version written
        BinaryPrimitives.WriteUInt32LittleEndian(key.AsSpan(0x4C), 0x00020001); // oldest version that can read it
        zip["Model.key"] = key;
        string message = Failures.AssertRefused<MahaModelVersionException>(zip.ToArray());
        Assert.StartsWith("This version of Maha does not read the file of the classifier: ", message, StringComparison.Ordinal);
        Assert.EndsWith("Update the package Maha.MLNet, or save the model with the older version.", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Model.DModel", 65536, "take at least")]
    [InlineData("Model.NumLayers", 1000, "take at least")]
    [InlineData("Model.FeedForwardDim", 1 << 20, "take at least")]
    [InlineData("Model.VocabSize", 1 << 24, "one vocabulary")]
    [InlineData("Model.NumHeads", 3, "16 % 3 = 1")]
    [InlineData("Model.Attention", "Maha", "weights")]
    [InlineData("Model.MaxSequenceLength", -1, "MaxSequenceLength must lie in")]
    [InlineData("Model.Attention", "Telepathy", "could not be converted")]
    [InlineData("Model.Attention", 99, "Attention must be one of")]
    [InlineData("Model", null, "Model")]
    [InlineData("Columns", null, "Columns")]
    [InlineData("Columns.Text", null, "Text")]
    [InlineData("Columns.Text", "", "must have names")]
    [InlineData("Columns.Score", "", "must have names")]
    [InlineData("Columns.Probability", null, "must have a probability column")]
    [InlineData("Labels", null, "Labels")]
    [InlineData("LabelType", "Int32", "must be values of Int32")]
    [InlineData("LabelType", "String", "must have the two labels of type Boolean")]
    [InlineData("LabelType", null, "LabelType")]
    [InlineData("OverlongDocuments", 77, "OverlongDocuments must be one of")]
    [InlineData("Unheard", 1, "Unheard")]
    [InlineData("FormatVersion", 0, "must start with a positive FormatVersion")]
    [InlineData("FormatVersion", "1", "must start with a positive FormatVersion")]
    public void ChangedDescription_Throws_EvenWithTheRightChecksum(string path, object? value, string message)
    {
        string actual = Refused(json =>
        {
            string[] names = path.Split('.');
            var parent = names.Length == 1 ? json : json[names[0]]!.AsObject();
            parent[names[^1]] = value is null ? null : JsonValue.Create(value);
        });
        Assert.Contains(message, actual, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingOrNullParts_Throw()
    {
        foreach (string name in new[] { "FormatVersion", "Model", "Columns", "OverlongDocuments", "LabelType", "Labels" })
            Assert.Contains(name, Refused(json => json.Remove(name)), StringComparison.Ordinal);
        Assert.Contains("at least two labels, none of them null", Refused(json => json["Labels"] = new JsonArray("False", null)), StringComparison.Ordinal);
        Assert.Contains("at least two labels", Refused(json => json["Labels"] = new JsonArray("False")), StringComparison.Ordinal);
    }

    [Fact]
    public void InvalidDescription_Throws()
    {
        foreach (string content in new[] { "", "[]", "1", "null", "{", "{\"FormatVersion\":1}", new string('[', 100_000) })
        {
            var zip = new ModelZip(_zip) { ["Classifier.json"] = Encoding.UTF8.GetBytes(content) };
            zip.Sign();
            Refused(zip);
        }
    }

    [Fact]
    public void FileWithoutAModel_Throws()
    {
        foreach (byte[] content in new[] { [], new byte[1000], Encoding.UTF8.GetBytes("label\ttext\n") })
            Assert.ThrowsAny<Exception>(() => ModelZip.Load(content));
    }

    private static string Refused(ModelZip zip) => Failures.AssertRefused<MahaModelFileException>(zip.ToArray());

    private string Refused(Action<JsonObject> change) => Refused<MahaModelFileException>(change);

    private string Refused<TException>(Action<JsonObject> change) where TException : MahaModelFileException
    {
        var zip = new ModelZip(_zip);
        var json = JsonNode.Parse(zip["Classifier.json"])!.AsObject();
        change(json);
        zip["Classifier.json"] = Encoding.UTF8.GetBytes(json.ToJsonString());
        zip.Sign();
        return Failures.AssertRefused<TException>(zip.ToArray());
    }
}
