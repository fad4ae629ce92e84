using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Text;

namespace Maha.Embedded.MicrosoftML.Tests.ModelFiles;

/// <summary>Models/linear-*.zip were saved by Microsoft.ML 5.0.0; the expected values are its own predictions.</summary>
public sealed class LinearModelFileTests
{
    private sealed class Row
    {
        [VectorType(5)]
        public float[] Features { get; set; } = [];

        public string Text { get; set; } = "";
    }

    private readonly MLContext _context = new(seed: 1);

    [Theory]
    [InlineData("linear-sparse", new[] { 0.79371953f, 0.199740261f, 0.00654018437f, 0.177137583f, 0.0296419915f, 0.793220282f })]
    [InlineData("linear-dense", new[] { 0.588902652f, 0.339960992f, 0.0711363405f, 0.327603906f, 0.0997778028f, 0.572618306f })]
    public void MulticlassModelOfMLNet_PredictsTheSame(string name, float[] expected)
    {
        var scored = _context.Model.Load($"Models/{name}.zip", out _).Transform(Rows());
        var scores = scored.GetColumn<float[]>("Score").Take(2).SelectMany(s => s);
        Assert.Equal(expected, scores, (a, b) => Math.Abs(a - b) < 1e-6);
        VBuffer<ReadOnlyMemory<char>> names = default;
        scored.Schema["Score"].GetSlotNames(ref names);
        Assert.Equal(["down", "flat", "up"], names.DenseValues().Select(n => n.ToString()));
    }

    [Fact]
    public void BinaryModelOfMLNet_PredictsTheSame()
    {
        var probabilities = _context.Model.Load("Models/linear-binary.zip", out _).Transform(Rows()).GetColumn<float>("Probability").Take(4);
        Assert.Equal([0.0985639468f, 0.585739195f, 0.417870611f, 0.884738147f], probabilities, (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Theory]
    [InlineData("linear-sparse")]
    [InlineData("linear-dense")]
    [InlineData("linear-binary")]
    public void DamagedModel_IsAnErrorOrAModel_NeverACrash(string name) => Damage(File.ReadAllBytes($"Models/{name}.zip"), 150);

    [Fact]
    public void DamagedFeaturizer_IsAnErrorOrAModel_NeverACrash()
    {
        var view = _context.Data.LoadFromEnumerable([new Row { Text = "some words, some text" }]);
        var options = new TextFeaturizingEstimator.Options { OutputTokensColumnName = "Tokens" };
        options.WordFeatureExtractor.Weighting = NgramExtractingEstimator.WeightingCriteria.TfIdf;
        using var stream = new MemoryStream();
        _context.Model.Save(_context.Transforms.Text.FeaturizeText("F", options, "Text").Fit(view), view.Schema, stream);
        Damage(stream.ToArray(), 400);
    }

    // Changes one byte at a time in the entries of the zip.
    private void Damage(byte[] zip, int times)
    {
        var random = new Random(3);
        for (int i = 0; i < times; i++)
        {
            using var damaged = new MemoryStream();
            damaged.Write(zip);
            using (var archive = new ZipArchive(damaged, ZipArchiveMode.Update, leaveOpen: true))
            {
                var entries = archive.Entries.Where(e => e.Name == "Model.key" && e.Length > 0).ToList();
                var entry = entries[random.Next(entries.Count)];
                using var content = entry.Open();
                var bytes = new byte[content.Length];
                content.ReadExactly(bytes);
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
                content.Position = 0;
                content.Write(bytes);
            }

            damaged.Position = 0;
            try
            {
                _context.Model.Load(damaged, out _);
            }
            catch (Exception ex) when (ex is FormatException or InvalidOperationException)
            {
                Assert.NotEmpty(ex.Message);
            }
        }
    }

    private IDataView Rows() => _context.Data.LoadFromEnumerable(Enumerable.Range(0, 60).Select(i =>
        new Row { Features = Enumerable.Range(0, 5).Select(j => ((i * 7 + j * 13 + i * j) % 11 - 5) / 5f).ToArray() }));
}
