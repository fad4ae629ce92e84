using Maha.Layers.Core;
using Maha.TestData;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Maha.MLNet.Tests.SavedModels;

/// <summary>A save that fails leaves the file that was there.</summary>
[Collection(FittedCollection.Name)]
public sealed class SaveSafelyTests(FittedModels fitted) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;

    private string Target => Path.Combine(_folder, "model.zip");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TheFile_IsThatOfSave_AndReplacesAnother()
    {
        File.WriteAllText(Target, "another");
        fitted.MLContext.Model.SaveSafely(fitted.Chain, fitted.Training.Schema, Target);
        Assert.Equal(ModelZip.Content(fitted.Zip), ModelZip.Content(File.ReadAllBytes(Target)));
        Assert.Single(Directory.GetFiles(_folder));
        using var loaded = (IDisposable)new MLContext().Model.Load(Target, out var schema);
        Assert.Equal(fitted.Training.Schema.Select(column => column.Name), schema.Select(column => column.Name));
    }

    [Fact]
    public void ALoader_IsSavedToo()
    {
        var loader = fitted.MLContext.Data.CreateTextLoader([new("Label", DataKind.String, 0), new("Text", DataKind.String, 1)]);
        fitted.MLContext.Model.SaveSafely(fitted.Chain, loader, Target);
        var model = fitted.MLContext.Model.LoadWithDataLoader(Target, out var loaded);
        using var owner = (IDisposable)model;
        Assert.Equal(["Label", "Text"], loaded.GetOutputSchema().Select(column => column.Name));
    }

    [Fact]
    public void AFullDisk_LeavesTheOldModel()
    {
        File.WriteAllBytes(Target, fitted.Zip);
        int failures = 0;
        for (long space = 0; space < fitted.Zip.Length; space += 1 + (fitted.Zip.Length / 25))
        {
            var e = Record.Exception(() => AtomicFile.Write(
                Target, stream => fitted.MLContext.Model.Save(fitted.Chain, fitted.Training.Schema, stream),
                stream => new FailingStream(stream, space, () => new IOException("no space", 28))));
            Assert.IsType<IOException>(e);
            Assert.Contains("The disk must have space for the file", e.Message, StringComparison.Ordinal);
            Assert.Contains("The file that was there is unchanged.", e.Message, StringComparison.Ordinal);
            Assert.Equal(fitted.Zip, File.ReadAllBytes(Target));
            Assert.Single(Directory.GetFiles(_folder));
            failures++;
        }
        Assert.InRange(failures, 20, 30);
        // A failed save leaves the model usable.
        fitted.MLContext.Model.SaveSafely(fitted.Chain, fitted.Training.Schema, Target);
    }

    [Fact]
    public void ADisposedModel_LeavesTheOldOne()
    {
        File.WriteAllBytes(Target, fitted.Zip);
        var model = ModelZip.Load(fitted.Zip);
        ((IDisposable)model).Dispose();
        Assert.ThrowsAny<ObjectDisposedException>(() => fitted.MLContext.Model.SaveSafely(model, null, Target));
        Assert.Equal(fitted.Zip, File.ReadAllBytes(Target));
        Assert.Single(Directory.GetFiles(_folder));
    }

    [Fact]
    public void AMissingFolder_IsNamed()
    {
        string path = Path.Combine(_folder, "missing", "model.zip");
        var e = Assert.Throws<DirectoryNotFoundException>(() => fitted.MLContext.Model.SaveSafely(fitted.Chain, null, path));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        e = Assert.Throws<DirectoryNotFoundException>(() => fitted.Binary.SaveWeights(path));
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NullArguments_AreRefused()
    {
        var model = fitted.MLContext.Model;
        Assert.Throws<ArgumentNullException>(() => model.SaveSafely(null!, null, Target));
        Assert.Throws<ArgumentNullException>(() => model.SaveSafely(fitted.Chain, (DataViewSchema?)null, null!));
        Assert.Throws<ArgumentNullException>(() => model.SaveSafely(fitted.Chain, (IDataLoader<object>)null!, Target));
        Assert.Throws<ArgumentNullException>(() => ((ModelOperationsCatalog)null!).SaveSafely(fitted.Chain, null, Target));
        Assert.Throws<ArgumentException>(() => model.SaveSafely(fitted.Chain, null, ""));
        Assert.Empty(Directory.GetFiles(_folder));
    }
}
