using Maha.Onnx.Export;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Tokenizers;

namespace Maha.Onnx.Tests;

// The folder of an export: its files alone must give what the model gives.
public sealed class ExportTests(Trained models) : IClassFixture<Trained>, IDisposable
{
    private const double Tolerance = 1e-4;

    private readonly string _folder = Directory.CreateTempSubdirectory("maha-onnx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Multiclass_WithNGrams_GivesTheModelsProbabilities_AlsoForTextsOfTheTraining()
    {
        // A text of several training documents has the labels of its copies as evidence.
        string[] texts = [.. Trained.Texts, .. models.Rows.Take(40).Select(row => row.Text)];
        var report = models.ML.Model.ExportToOnnx(models.Multiclass, _folder, texts, new OnnxExportOptions { IncludeNGrams = true });
        Assert.Equal(texts.Length, report.NumTexts);
        Assert.Null(report.OmittedNGrams);
        Assert.InRange(report.LargestDifference, 0, Tolerance);
        AssertEqual(ColumnOf<float[]>(models.Multiclass, "Score", texts), Run(texts, GraphNames.Probabilities));
        var reader = OnnxTextReader.Load(_folder);
        Assert.Contains(texts, text => reader.Read(text).CopyCounts.Sum() > 1);
        string[] topics = ColumnOf<string>(models.Multiclass, "Topic", texts);
        Assert.Equal(topics, Predicted(texts).Select(label => reader.Labels[(int)label]));
    }

    [Fact]
    public void NGrams_ThatAreLeftOut_AreReported_InReportReadmeDescriptionAndGraph()
    {
        var messages = new List<string>();
        var ml = new MLContext();
        ml.Log += (_, log) => messages.Add(log.RawMessage);
        var omitted = ml.Model.ExportToOnnx(models.Multiclass, _folder, Trained.Texts).OmittedNGrams;
        Assert.NotNull(omitted);
        Assert.InRange(omitted.MeanDifference, 1e-3, 1);
        Assert.InRange(omitted.LargestDifference, omitted.MeanDifference, 1);
        Assert.InRange(omitted.SameLabels, 0, 1);
        float[][] model = ColumnOf<float[]>(models.Multiclass, "Score", Trained.Texts), network = Run(Trained.Texts, GraphNames.Probabilities);
        Assert.Equal(omitted.LargestDifference, model.Zip(network, OnnxExporter.Difference).Max(), 1e-4);
        Assert.Contains(messages, message => message.Contains(omitted.ToString(), StringComparison.Ordinal));
        Assert.Contains(omitted.ToString(), File.ReadAllText(Path.Combine(_folder, "README.md")), StringComparison.Ordinal);
        Assert.Equal(omitted, ExportDescription.Read(Path.Combine(_folder, "maha.json")).OmittedNGrams);
        using var session = new InferenceSession(Path.Combine(_folder, "model.onnx"));
        Assert.Equal(omitted.ToString(), session.ModelMetadata.CustomMetadataMap["missing"]);
        Assert.Equal(["attention_mask", "input_ids"], session.InputMetadata.Keys.Order());
    }

    [Fact]
    public void Binary_PredictsByTheModelsThreshold()
    {
        models.ML.Model.ExportToOnnx(models.Binary, _folder, Trained.Texts, new OnnxExportOptions { IncludeNGrams = true });
        float[] expected = ColumnOf<float>(models.Binary, "Probability", Trained.Texts);
        float[][] actual = Run(Trained.Texts, GraphNames.Probabilities);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], actual[i][1], Tolerance);
        Assert.Equal(ColumnOf<bool>(models.Binary, "PredictedLabel", Trained.Texts).Select(value => value ? 1L : 0), Predicted(Trained.Texts));
    }

    [Fact]
    public void Encoder_GivesTheModelsVectors()
    {
        var report = models.ML.Model.ExportToOnnx(models.Encoder, _folder, Trained.Texts);
        Assert.InRange(report.LargestDifference, 0, 1e-5);
        AssertEqual(ColumnOf<float[]>(models.Encoder, "Vector", Trained.Texts), Run(Trained.Texts, GraphNames.Embedding));
    }

    [Fact]
    public void PretrainedEncoder_WithSpectralParts_GivesTheModelsVectors()
    {
        using var encoder = models.ML.Transforms.MahaEncode(Trained.EncoderOptions(pretrained: true)).Fit(models.ML.Data.LoadFromEnumerable(models.Rows));
        models.ML.Model.ExportToOnnx(encoder, _folder, Trained.Texts);
        AssertEqual(ColumnOf<float[]>(encoder, "Vector", Trained.Texts), Run(Trained.Texts, GraphNames.Embedding));
    }

    // Other libraries read the files of the tokenizer, too.
    [Fact]
    public void BpeFiles_GiveTheSameIdsInMicrosoftsTokenizer()
    {
        models.ML.Model.ExportToOnnx(models.Encoder, _folder, Trained.Texts);
        var description = ExportDescription.Read(Path.Combine(_folder, "maha.json"));
        var options = new BpeOptions(Path.Combine(_folder, "vocab.json"), Path.Combine(_folder, "merges.txt"))
        {
            ByteLevel = true,
            PreTokenizer = new RegexPreTokenizer(new System.Text.RegularExpressions.Regex(description.Tokenizer.Words!), null),
        };
        var tokenizer = BpeTokenizer.Create(options);
        var reader = OnnxTextReader.Load(_folder);
        foreach (string text in Trained.Texts[..^1].Append("A cat's dog, 12345 times!\n\n  Näh \u2019t 東京\t(x)  y\r\n z"))
            Assert.Equal(reader.Read(text).InputIds, tokenizer.EncodeToIds(text));
    }

    // The columns have one size, so the ids are padded to it.
    [Fact]
    public void OnnxTransformer_ScoresTheGraphInMLNet()
    {
        const int length = 64;
        models.ML.Model.ExportToOnnx(models.Encoder, _folder, Trained.Texts);
        var reader = OnnxTextReader.Load(_folder);
        string[] texts = Trained.Texts[..^1];
        var rows = texts.Select(text =>
        {
            var ids = reader.Read(text).InputIds;
            return new OnnxRow
            {
                Ids = [.. ids.Select(id => (long)id), .. new long[length - ids.Count]],
                Mask = [.. ids.Select(_ => 1L), .. new long[length - ids.Count]],
            };
        });
        var shapes = new Dictionary<string, int[]>
        {
            ["input_ids"] = [1, length],
            ["attention_mask"] = [1, length],
            ["embedding"] = [1, models.Encoder.VectorSize],
        };
        var view = models.ML.Data.LoadFromEnumerable(rows);
        string file = Path.Combine(_folder, "model.onnx");
        var scorer = models.ML.Transforms.ApplyOnnxModel(["embedding"], ["input_ids", "attention_mask"], file, shapes, null, false).Fit(view);
        AssertEqual(ColumnOf<float[]>(models.Encoder, "Vector", texts), [.. scorer.Transform(view).GetColumn<float[]>("embedding")]);
    }

    [Fact]
    public void Difference_AboveTheTolerance_IsRefused_WithTheWorstText_AndNothingIsWritten()
    {
        var refusal = Assert.Throws<InvalidOperationException>(
            () => models.ML.Model.ExportToOnnx(models.Encoder, _folder, Trained.Texts, new OnnxExportOptions { Tolerance = 1e-12 }));
        Assert.Matches("within 1E-12, but text [0-9]+ differs by .*: \".*\"\\. No file was written", refusal.Message);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Export_ReplacesAnEarlierOne_AndTheDescriptionHasTheChecksumsOfAllFiles()
    {
        models.ML.Model.ExportToOnnx(models.Encoder, _folder, Trained.Texts);
        File.WriteAllText(Path.Combine(_folder, "model.onnx"), "old");
        models.ML.Model.ExportToOnnx(models.Encoder, _folder, ["a", "b"]);
        var files = ExportDescription.Read(Path.Combine(_folder, "maha.json")).Files!;
        Assert.Equal(
            files.Keys.Append("maha.json").Order(StringComparer.Ordinal),
            Directory.GetFiles(_folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        Assert.All(files, file => Assert.Equal(
            file.Value, Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(_folder, file.Key))))));
    }

    [Fact]
    public void WrongArguments_AreRefused_WithARemedy()
    {
        var noTexts = Assert.Throws<ArgumentException>(() => models.ML.Model.ExportToOnnx(models.Encoder, _folder, []));
        Assert.Contains("Give some dozens", noTexts.Message, StringComparison.Ordinal);
        var withNGrams = new OnnxExportOptions { IncludeNGrams = true };
        var noNGrams = Assert.Throws<ArgumentException>(() => models.ML.Model.ExportToOnnx(models.Encoder, _folder, ["a"], withNGrams));
        Assert.Contains("Leave it out", noNGrams.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => models.ML.Model.ExportToOnnx(models.Encoder, _folder, ["a"], new OnnxExportOptions { Tolerance = 0 }));
        var other = models.ML.Transforms.CopyColumns("Copy", "Text").Fit(models.ML.Data.LoadFromEnumerable(models.Rows));
        Assert.Contains("exactly one transformer of Maha, but has 0", Assert.Throws<ArgumentException>(
            () => models.ML.Model.ExportToOnnx(other, _folder, ["a"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedOrMissingFiles_AreNamed()
    {
        Assert.Contains("maha.json", Assert.Throws<FileNotFoundException>(() => OnnxTextReader.Load(_folder)).Message, StringComparison.Ordinal);
        models.ML.Model.ExportToOnnx(models.Encoder, _folder, ["a"]);
        File.Delete(Path.Combine(_folder, "tokenizer.json"));
        Assert.Contains("tokenizer.json", Assert.Throws<FileNotFoundException>(() => OnnxTextReader.Load(_folder)).Message, StringComparison.Ordinal);
        string path = Path.Combine(_folder, "maha.json"), json = File.ReadAllText(path);
        File.WriteAllText(path, json[..^20]);
        Assert.Contains("damaged", Assert.Throws<InvalidDataException>(() => OnnxTextReader.Load(_folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, json.Replace("\"version\": 1", "\"version\": 2", StringComparison.Ordinal));
        Assert.Contains("Update the package", Assert.Throws<InvalidDataException>(() => OnnxTextReader.Load(_folder)).Message, StringComparison.Ordinal);
        File.WriteAllText(path, "{}");
        Assert.Throws<InvalidDataException>(() => OnnxTextReader.Load(_folder));
    }

    private float[][] Run(string[] texts, string output)
    {
        var reader = OnnxTextReader.Load(_folder);
        using var runner = new OnnxRunner(File.ReadAllBytes(Path.Combine(_folder, "model.onnx")), 1);
        return runner.Run([.. texts.Select(reader.Read)], output);
    }

    private long[] Predicted(string[] texts)
    {
        var reader = OnnxTextReader.Load(_folder);
        using var runner = new OnnxRunner(File.ReadAllBytes(Path.Combine(_folder, "model.onnx")), 1);
        return runner.RunLabels([.. texts.Select(reader.Read)]);
    }

    private T[] ColumnOf<T>(ITransformer model, string column, string[] texts)
    {
        var view = models.ML.Data.LoadFromEnumerable(texts.Select(text => new Trained.Row { Text = text, Label = "class 0" }));
        return [.. model.Transform(view).GetColumn<T>(column)];
    }

    private static void AssertEqual(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(OnnxExporter.Difference(expected[i], actual[i]), 0, Tolerance);
    }

    private sealed class OnnxRow
    {
        [ColumnName("input_ids"), VectorType(64)]
        public long[] Ids { get; set; } = [];

        [ColumnName("attention_mask"), VectorType(64)]
        public long[] Mask { get; set; } = [];
    }
}
