using System.IO.Compression;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.Embedded.MicrosoftML.Tests.ModelFiles;

/// <summary>Against a model that ML.NET 5.0.0 itself saved of the sample pipeline, with the schema of its output.</summary>
public sealed class MLNetModelTests
{
    private const string RealModel = "Models/mlnet-5.0.0.zip";

    private readonly MLContext _context = new(1);

    [Fact]
    public void SavedEntries_AreThoseOfMLNet_ByteForByte()
    {
        IDataView data = _context.Data.LoadFromEnumerable(SamplePipeline.Rows());
        ITransformer model = SamplePipeline.Fit(_context, data);
        using var own = new MemoryStream();
        _context.Model.Save(model, model.Transform(data).Schema, own);

        using var ownZip = new ZipArchive(own, ZipArchiveMode.Read);
        using ZipArchive realZip = ZipFile.OpenRead(RealModel);
        Assert.Equal(realZip.Entries.Select(e => e.FullName), ownZip.Entries.Select(e => e.FullName));
        foreach (ZipArchiveEntry entry in realZip.Entries)
            Assert.True(Bytes(entry).AsSpan().SequenceEqual(Bytes(ownZip.GetEntry(entry.FullName)!)), entry.FullName);
    }

    [Fact]
    public void LoadedModelOfMLNet_TransformsLikeTheFittedOne()
    {
        IDataView data = _context.Data.LoadFromEnumerable(SamplePipeline.Rows());
        DataDebuggerPreview expected = SamplePipeline.Fit(_context, data).Transform(data).Preview();

        ITransformer loaded = _context.Model.Load(RealModel, out DataViewSchema schema);
        DataDebuggerPreview actual = loaded.Transform(data).Preview();

        Assert.Equal(expected.Schema.Select(c => c.ToString()), actual.Schema.Select(c => c.ToString()));
        Assert.Equal(expected.Schema.Select(c => c.ToString()), schema.Select(c => c.ToString()));
        Assert.Equal(expected.RowView.SelectMany(r => r.Values).Select(Text), actual.RowView.SelectMany(r => r.Values).Select(Text));
    }

    [Fact]
    public void LoadedSchema_HasTheAnnotations()
    {
        _context.Model.Load(RealModel, out DataViewSchema schema);

        VBuffer<ReadOnlyMemory<char>> labels = default;
        schema["LabelKey"].GetKeyValues(ref labels);
        Assert.Equal(["c0", "c1", "c2", "c3", "c4"], labels.DenseValues().Select(l => l.ToString()));
        VBuffer<ReadOnlyMemory<char>> slots = default;
        schema["AllFeatures"].GetSlotNames(ref slots);
        Assert.Equal(["Features.Weight", "", "", "", "Weight"], slots.DenseValues().Select(s => s.ToString()));
    }

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static string Text(KeyValuePair<string, object> value) => value.Key + "=" + value.Value switch
    {
        VBuffer<float> v => string.Join(",", v.DenseValues()),
        VBuffer<uint> v => string.Join(",", v.DenseValues()),
        object other => other.ToString(),
    };
}
