using System.Text;
using Maha.Samples.Data.JaneAusten;

namespace LanguageModel;

/// <summary>A row of the training data.</summary>
internal sealed class TextRow
{
    public string Text { get; set; } = "";
}

/// <summary>The texts to train on, and the one that is held out.</summary>
internal sealed record Texts(IReadOnlyList<string> Training, string HeldOut, string HeldOutName)
{
    /// <summary>The user's files, or Jane Austen's novels.</summary>
    public static Texts Read(SampleOptions options)
    {
        if (options.Data.Count == 0)
        {
            var novels = JaneAustenData.Prepare(JaneAustenData.DefaultFolder);
            return new Texts(
                [.. novels.Where(novel => novel.Name != JaneAustenData.HeldOut).Select(novel => novel.Text)],
                novels.Single(novel => novel.Name == JaneAustenData.HeldOut).Text, JaneAustenData.HeldOut);
        }
        string[] training = [.. options.Data.Select(Read)];
        if (options.HeldOut is { } held)
            return new Texts(training, Read(held), held.Name);

        // Without a text to hold out: the last tenth of each.
        return new Texts(
            [.. training.Select(text => text[..(int)(text.Length * 0.9)])],
            string.Join("\n\n", training.Select(text => text[(int)(text.Length * 0.9)..])), "the last tenth of every text");
    }

    private static string Read(FileInfo file) => file.Exists
        ? File.ReadAllText(file.FullName, Encoding.UTF8)
        : throw new FileNotFoundException($"There is no file '{file.FullName}'. Give the path of a text file.");
}
