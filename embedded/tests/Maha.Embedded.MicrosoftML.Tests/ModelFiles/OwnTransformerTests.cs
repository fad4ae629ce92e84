using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.ModelFiles;

/// <summary>What a transformer of another library needs from the model file, the chain and the engine.</summary>
public sealed class OwnTransformerTests
{
    private readonly MLContext _context = new(1);

    private sealed class Row
    {
        public float A { get; set; }
    }

    private sealed class Prediction
    {
        public float Scaled { get; set; }
        public float Again { get; set; }
    }

    private IDataView Data() => _context.Data.LoadFromEnumerable(new Row[] { new() { A = 1 }, new() { A = 2 } });

    private TransformerChain<ITransformer> Model() => new(new PlainScaling(_context, "Scaled", "A", 2.5f), _context.Transforms.CopyColumns("Again", "Scaled").Fit(new PlainScaling(_context, "Scaled", "A", 1).Transform(Data())));

    private byte[] Save(ITransformer model)
    {
        using var file = new MemoryStream();
        _context.Model.Save(model, Data().Schema, file);
        return file.ToArray();
    }

    [Fact]
    public void Chain_FeedsLaterSteps() => Assert.Equal([2.5f, 5], Model().Transform(Data()).GetColumn<float>("Again"));

    [Fact]
    public void ModelFile_BringsItBack_WithoutRegistration()
    {
        byte[] file = Save(Model());
        using (var zip = new ZipArchive(new MemoryStream(file), ZipArchiveMode.Read))
            Assert.Contains(zip.Entries, e => e.FullName.Replace('\\', '/').EndsWith("Transform_000/" + PlainScaling.Blob, StringComparison.Ordinal));

        ITransformer loaded = new MLContext().Model.Load(new MemoryStream(file), out DataViewSchema schema);
        Assert.Equal("A", schema.Single().Name);
        Assert.Equal([2.5f, 5], loaded.Transform(Data()).GetColumn<float>("Again"));
    }

    [Fact]
    public void Engine_PredictsAndDisposesIt()
    {
        TransformerChain<ITransformer> model = Model();
        using (PredictionEngine<Row, Prediction> engine = _context.Model.CreatePredictionEngine<Row, Prediction>(model))
        {
            Prediction prediction = engine.Predict(new Row { A = 4 });
            Assert.Equal((10, 10), (prediction.Scaled, prediction.Again));
        }
        Assert.True(((PlainScaling)model.First()).Disposed);
    }

    [Fact]
    public void ExceptionOfTheLoader_IsInsideTheOneThrown()
    {
        byte[] file = Save(new PlainScaling(_context, "Scaled", "A", 2));
        using var stream = new MemoryStream();
        stream.Write(file);
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
            zip.Entries.Single(e => e.Name.EndsWith(PlainScaling.Blob, StringComparison.Ordinal)).Delete();

        Exception error = Assert.ThrowsAny<Exception>(() => _context.Model.Load(stream, out _));
        Assert.Contains("The weights are missing.", error.ToString());
    }
}
