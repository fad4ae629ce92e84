using Maha.Layers.Attention;
using Maha.TestData;

namespace Maha.Layers.Tests;

/// <summary>The folders of the library and the dependencies between them, which go one way; docs/architecture.md draws them.</summary>
public sealed class ArchitectureTests
{
    private const int MaxPublicTypes = 75;
    private const int MaxLines = 300;

    private static readonly RoomArrows s_rooms = new(
        typeof(MahaBlockOptions).Assembly,
        Path.Combine(Repository.Root, "src", "Maha.Layers"),
        [
            "Training", "Generation", "Swap", "Pretrained", "Models", "Text/NGrams", "Text/Spectral", "Data", "Distributed", "Blocks",
            "Attention/Reference", "Attention/Maha", "Attention/Maha/Aggregation", "Attention/Maha/Pyramid", "Attention/Hsa", "Attention/Window",
            "Attention/Full", "Attention",
            "Weights", "Trees", "Text/Tokenization", "Kernels", "Kernels/Cuda", "Core/Autograd", "Core",
        ]);

    [Fact]
    public void EveryFile_IsInAKnownFolder() => Assert.Empty(s_rooms.FilesWithoutRoom());

    [Fact]
    public void EveryNamespace_IsThatOfItsFolder() =>
        Assert.All(s_rooms.Files, file => Assert.Equal([$"Maha.Layers.{file.Room.Split('/')[0]}"], RoomArrows.NamespacesOf(file.File)));

    [Fact]
    public void References_PointDownTheFolderOrder()
    {
        var up = s_rooms.ArrowsThatPointUp();
        Assert.True(up.Count == 0, $"Rooms use rooms below them only. Move the type, or what it needs:\n{string.Join('\n', up)}");
    }

    [Fact]
    public void Uses_AreFound()
    {
        // Shows that the other tests can fail: a field, a call and a base type are found as uses.
        var used = s_rooms.UsesOf("Maha.Layers.Blocks.MahaBlock");
        Assert.Contains("Maha.Layers.Attention.TokenMixer", used);
        Assert.Contains("Maha.Layers.Blocks.TokenMixers", used);
        Assert.Contains("Maha.Layers.Attention.MixingResult", used);
    }

    [Fact]
    public void NoFile_IsLongerThanTheLimit() =>
        Assert.All(s_rooms.Files,
            file => Assert.True(File.ReadLines(file.File).Count() <= MaxLines, $"{file.File} has more than {MaxLines} lines. Split it by what its parts do."));

    [Fact]
    public void PublicTypes_AreThoseThatAUserCalls() => Assert.InRange(typeof(MahaBlockOptions).Assembly.GetExportedTypes().Length, 1, MaxPublicTypes);
}
