using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Layers.Weights;
using Maha.TestData;
using Microsoft.ML;
using Microsoft.ML.Data;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests.SavedModels;

/// <summary>Everything that is written, where it can't be: the exception says so, the old file stays, no other one remains, and a later save succeeds.</summary>
[Collection(FittedCollection.Name)]
public sealed class SaverFailureTests : IDisposable
{
    private readonly FittedModels _fitted;
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly TorchSharp.Modules.Linear _module = nn.Linear(3, 2);
    private readonly ByteLevelBpeTokenizer _tokenizer = ByteLevelBpeTokenizer.Train(["the cat"], new ByteLevelBpeTokenizerOptions { VocabSize = 264 });
    private readonly Dictionary<string, Action<string>> _files;
    private readonly Dictionary<string, Action<Stream>> _streams;

    public SaverFailureTests(FittedModels fitted)
    {
        _fitted = fitted;
        var model = fitted.MLContext.Model;
        var loader = fitted.MLContext.Data.CreateTextLoader([new("Label", DataKind.String, 0), new("Text", DataKind.String, 1)]);
        _files = new()
        {
            ["model"] = path => model.SaveSafely(fitted.Chain, fitted.Training.Schema, path),
            ["model with loader"] = path => model.SaveSafely(fitted.Chain, loader, path),
            ["weights of a transformer"] = fitted.Binary.SaveWeights,
            ["weights of a module"] = path => ModuleWeights.Save(_module, path),
            ["tensors"] = path => SafetensorsWriter.Write(path, _module.state_dict()),
        };
        _streams = new()
        {
            ["model"] = stream => model.Save(fitted.Chain, fitted.Training.Schema, stream),
            ["weights of a module"] = stream => ModuleWeights.Save(_module, stream),
            ["tokenizer"] = _tokenizer.Save,
        };
    }

    public static TheoryData<string> Files => ["model", "model with loader", "weights of a transformer", "weights of a module", "tensors"];

    public static TheoryData<string> Streams => ["model", "weights of a module", "tokenizer"];

    private string Target => Path.Combine(_folder, "target");

    public void Dispose()
    {
        Allow();
        Directory.Delete(_folder, recursive: true);
        _module.Dispose();
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void AFolderWithoutRights_LeavesTheOldFile(string saver)
    {
        if (OperatingSystem.IsWindows())
            return;
        File.WriteAllText(Target, "old");
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        Exception? e;
        using (new WithoutRights())
            e = Record.Exception(() => _files[saver](Target));
        Assert.Contains($"must have the right to write '{Target}'", Assert.IsType<UnauthorizedAccessException>(e).Message, StringComparison.Ordinal);
        AssertOldStays(saver);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void AReadOnlyFile_Stays(string saver)
    {
        File.WriteAllText(Target, "old");
        File.SetAttributes(Target, FileAttributes.ReadOnly);
        var e = Assert.Throws<UnauthorizedAccessException>(() => _files[saver](Target));
        Assert.Contains("The file that was there is unchanged.", e.Message, StringComparison.Ordinal);
        File.SetAttributes(Target, FileAttributes.Normal);
        AssertOldStays(saver);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void ARemovedFolder_AndAFolderInPlaceOfTheFile_AreNamed(string saver)
    {
        string gone = Path.Combine(_folder, "gone", "file");
        Assert.Contains("Create the folder", Assert.Throws<DirectoryNotFoundException>(() => _files[saver](gone)).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(gone);
        Assert.Contains("It is a folder.", Assert.Throws<IOException>(() => _files[saver](gone)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories));
        File.WriteAllText(Target, "old");
        AssertOldStays(saver);
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void AStreamThatFails_ThrowsItsException_AndALaterSaveSucceeds(string saver)
    {
        using var whole = new MemoryStream();
        _streams[saver](whole);
        for (int i = 0; i < 20; i++)
        {
            long space = whole.Length * i / 20;
            var e = Assert.Throws<IOException>(() => _streams[saver](new FailingStream(new MemoryStream(), space, () => new IOException("broken cable"))));
            Assert.Equal("broken cable", e.Message);
        }
        using var again = new MemoryStream();
        _streams[saver](again);
        Assert.Equal(saver == "model" ? ModelZip.Content(whole.ToArray()) : whole.ToArray(), saver == "model" ? ModelZip.Content(again.ToArray()) : again.ToArray());
        // A stream that can't be written at all.
        Assert.ThrowsAny<Exception>(() => _streams[saver](new MemoryStream(new byte[10], writable: false)));
    }

    [Fact]
    public void CheckpointsWithoutRights_AreRefused()
    {
        if (OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        foreach (string folder in new[] { _folder, Path.Combine(_folder, "new") })
        {
            Exception? e;
            using (new WithoutRights())
                e = Record.Exception(() => Toys.BinaryTrainer(_fitted.MLContext, options => options.CheckpointPath = folder).Fit(_fitted.Verdicts));
            Assert.Contains("CheckpointPath must be a folder that this process may write to", Assert.IsType<UnauthorizedAccessException>(e).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ATemporaryFolderWithoutRights_IsNamed()
    {
        if (OperatingSystem.IsWindows())
            return;
        File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        foreach (string folder in new[] { _folder, Path.Combine(_folder, "gone") })
        {
            Exception? e;
            using (new WithoutRights())
            {
                e = Record.Exception(() => TokenizedDataset.FromTokenIds(
                    [[1, 2, 3]], new TokenizedDatasetOptions { MaxBytesInMemory = 0, TemporaryDirectory = folder }).Dispose());
            }
            Assert.Contains("Set TemporaryDirectory to a folder that can be written", Assert.IsType<IOException>(e).Message, StringComparison.Ordinal);
        }
    }

    private void AssertOldStays(string saver)
    {
        Allow();
        Assert.Equal("old", File.ReadAllText(Target));
        Assert.Single(Directory.GetFiles(_folder));
        _files[saver](Target);
        Assert.NotEqual("old"u8.ToArray(), File.ReadAllBytes(Target));
        Assert.Single(Directory.GetFiles(_folder));
        Assert.False(File.Exists(Target + AtomicFile.PartialSuffix));
    }

    private void Allow()
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
