using System.Text;
using Maha.Samples.Data.JaneAusten;

namespace Maha.Benchmarks.LanguageModel;

/// <summary>Texts for training and evaluation.</summary>
/// <param name="Training">The texts to train on.</param>
/// <param name="HeldOut">The held-out texts, which training does not see.</param>
internal sealed record TextFolders(IReadOnlyList<string> Training, IReadOnlyList<string> HeldOut)
{
    /// <summary>The folder that samples/FetchData writes Jane Austen's novels to.</summary>
    public static readonly string Novels = Path.Combine("artifacts", "data", "janeausten");

    private const string HeldOutNovel = JaneAustenData.HeldOut + ".txt";

    /// <summary>Reads a file, or all .txt files of a folder.</summary>
    /// <param name="data">The file or folder.</param>
    /// <param name="heldOut">The held-out file. Empty for persuasion.txt of the folder or, without that file, the last tenth of every text.</param>
    public static TextFolders Read(string data, string heldOut)
    {
        if (!Directory.Exists(data) && !File.Exists(data))
        {
            throw new UsageException($"--data must be a text file or a folder of .txt files, but there is no '{data}'. Fetch the novels: dotnet run -c "
                + "Release --project samples/FetchData -- novels");
        }
        if (heldOut.Length > 0 && !File.Exists(heldOut))
            throw new UsageException($"--held-out must be a text file, but there is no '{heldOut}'.");
        string[] files = Directory.Exists(data) ? [.. Directory.GetFiles(data, "*.txt").Order(StringComparer.Ordinal)] : [data];
        if (heldOut.Length == 0)
            heldOut = Array.Find(files, file => files.Length > 1 && Path.GetFileName(file) == HeldOutNovel) ?? "";
        string[] training = [.. files.Where(file => heldOut.Length == 0 || Path.GetFullPath(file) != Path.GetFullPath(heldOut))];
        if (training.Length == 0)
            throw new UsageException($"--data must hold a .txt file besides the one that is held out, but '{data}' holds none.");
        string[] texts = [.. training.Select(file => File.ReadAllText(file, Encoding.UTF8))];
        return heldOut.Length > 0
            ? new TextFolders(texts, [File.ReadAllText(heldOut, Encoding.UTF8)])
            : new TextFolders([.. texts.Select(text => text[..Cut(text)])], [.. texts.Select(text => text[Cut(text)..])]);
    }

    // Nine tenths, at the end of a line where one is near.
    private static int Cut(string text)
    {
        int cut = (int)(text.Length * 0.9);
        int line = text.IndexOf('\n', cut);
        return line >= 0 && line - cut < text.Length / 100 ? line + 1 : cut;
    }
}
