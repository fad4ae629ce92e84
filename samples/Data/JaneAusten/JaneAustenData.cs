using System.Text;

namespace Maha.Samples.Data.JaneAusten;

/// <summary>Jane Austen's six novels, from the Debian package r-cran-janeaustenr.</summary>
public static class JaneAustenData
{
    /// <summary>The held-out novel; the other five are for training.</summary>
    public const string HeldOut = "persuasion";

    /// <summary>artifacts/data/janeausten in the repository that the program lies in, else in the current directory.</summary>
    public static string DefaultFolder => DataFolder.Path("janeausten");

    /// <summary>Fetches the package unless it is there, reads the novels, and writes each as {name}.txt.</summary>
    /// <param name="folder">The folder of the package's data and of the texts.</param>
    /// <returns>The novels by name; <see cref="HeldOut"/> is among them.</returns>
    /// <exception cref="InvalidOperationException">The package can't be fetched; the message gives the remedy.</exception>
    /// <exception cref="InvalidDataException">The package's data are damaged.</exception>
    public static IReadOnlyList<Novel> Prepare(string folder)
    {
        string data = Path.Combine(folder, "data", "Rdata");
        if (!File.Exists(data + ".rdx") || !File.Exists(data + ".rdb"))
            FetchScript.Run("fetch-novels.sh", folder);

        var database = LazyLoadDatabase.Open(data);
        var novels = database.Names
            .Order(StringComparer.Ordinal)
            .Select(name => Novel.FromLines(name, database.ReadStrings(name)))
            .ToList();
        if (novels.All(novel => novel.Name != HeldOut))
            throw new InvalidDataException($"The novels must contain '{HeldOut}', but are {string.Join(", ", database.Names)}.");

        foreach (var novel in novels)
            File.WriteAllText(Path.Combine(folder, novel.Name + ".txt"), novel.Text, new UTF8Encoding(false));
        return novels;
    }
}
