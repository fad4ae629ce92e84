using System.Reflection;
using Maha.TestData;

namespace Maha.MLNet.Tests;

/// <summary>The folders of the library and the dependencies between them, which go one way; docs/architecture.md draws them.</summary>
public sealed class ArchitectureTests
{
    private const int MaxLines = 300;

    private static readonly RoomArrows s_rooms = new(
        typeof(MahaEstimatorOptions).Assembly,
        Path.Combine(
            typeof(ArchitectureTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "Root").Value!, "src", "Maha.MLNet"),
        ["Catalog", "MultiLabel", "Classification", "TextEncoding", "LanguageModel", "Fitting", "Explanation", ".", "ModelFiles", "Rows", "Schema", "Bridge"]);

    [Fact]
    public void EveryFile_IsInAKnownFolder() => Assert.Empty(s_rooms.FilesWithoutRoom());

    [Fact]
    public void EveryNamespace_IsThatOfItsFolder()
    {
        foreach (var (file, room) in s_rooms.Files)
        {
            // The catalog extends ML.NET's catalogs, so it is in their namespace; the compiler finds an attribute of the runtime by its namespace.
            string expected = room switch
            {
                "." => "Maha.MLNet",
                "Catalog" => "Microsoft.ML",
                _ => $"Maha.MLNet.{room}",
            };
            Assert.Equal([expected], RoomArrows.NamespacesOf(file).Where(space => space != "System.Runtime.CompilerServices"));
        }
    }

    [Fact]
    public void References_PointDownTheFolderOrder()
    {
        var up = s_rooms.ArrowsThatPointUp();
        Assert.True(up.Count == 0, $"Rooms use rooms below them only. Move the type, or what it needs:\n{string.Join('\n', up)}");
    }

    [Fact]
    public void Uses_AreFound() => Assert.Contains("Maha.MLNet.MahaTransformer", s_rooms.UsesOf("Maha.MLNet.Classification.MahaTextClassificationTransformer"));

    [Fact]
    public void NoFile_IsLongerThanTheLimit() =>
        Assert.All(s_rooms.Files,
            file => Assert.True(File.ReadLines(file.File).Count() <= MaxLines, $"{file.File} has more than {MaxLines} lines. Split it by what its parts do."));
}
