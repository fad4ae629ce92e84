using System.Security.Cryptography;
using System.Text;
using Maha.Samples.Data.ManualPages;

namespace Maha.Benchmarks.Classification;

/// <summary>A document with its class.</summary>
/// <param name="Label">The class, as in the file.</param>
/// <param name="Field">The text, as in the file.</param>
/// <param name="Fold">The fold that tests it; empty where the file has none.</param>
internal sealed record LabeledDocument(string Label, string Field, string Fold)
{
    /// <summary>The text with its line breaks.</summary>
    public string Text => TsvText.Decode(Field);

    /// <summary>Returns whether the text has more words, separated by white space, than a number.</summary>
    public bool HasMoreWordsThan(int count)
    {
        bool inside = false;
        foreach (char c in Field)
        {
            bool blank = char.IsWhiteSpace(c);
            if (!blank && !inside && --count < 0)
                return true;
            inside = !blank;
        }
        return false;
    }
}

/// <summary>Reads files with one document per line: label TAB text, with TAB fold at the end in a file of folds. Nothing is quoted.</summary>
internal static class LabeledFile
{
    /// <summary>The documents of a file.</summary>
    /// <param name="path">The file, UTF-8. Lines end with a line feed, with or without a carriage return before it.</param>
    /// <param name="hasFolds">Whether the last TAB of a line separates the fold.</param>
    /// <exception cref="UsageException">There is no such file, or a line has another form.</exception>
    public static List<LabeledDocument> Read(string path, bool hasFolds)
    {
        if (!File.Exists(path))
            throw new UsageException($"there is no file '{path}'.");
        var documents = new List<LabeledDocument>();
        int number = 0;
        foreach (string line in Lines(path))
        {
            number++;
            if (line.Length == 0)
                continue;
            int tab = line.IndexOf('\t');
            if (tab < 0)
                throw new UsageException($"a line must be label TAB text, but line {number} of '{path}' has no TAB: '{Start(line)}'.");
            if (tab == 0)
                throw new UsageException($"a line must begin with a label, but line {number} of '{path}' begins with a TAB.");
            int end = hasFolds ? line.LastIndexOf('\t') : line.Length;
            if (end == tab)
            {
                throw new UsageException($"a line of folds must be label TAB text TAB fold, but line {number} of '{path}' has one TAB: '{Start(line)}'. Give "
                    + "files without folds by --data and --test.");
            }
            string fold = hasFolds ? line[(end + 1)..].Trim() : "";
            if (hasFolds && fold.Length == 0)
                throw new UsageException($"a line of folds must end with a fold, but line {number} of '{path}' ends with a TAB.");
            documents.Add(new LabeledDocument(line[..tab], line[(tab + 1)..end], fold));
        }
        return documents.Count > 0 ? documents : throw new UsageException($"'{path}' holds no documents.");
    }

    /// <summary>A short hash of the contents, which tells results of this file from those of a changed one.</summary>
    public static string Hash(string path)
    {
        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream))[..12];
    }

    // Not File.ReadLines, which ends a line at a lone carriage return inside a text.
    private static IEnumerable<string> Lines(string path)
    {
        using var reader = new StreamReader(path, Encoding.UTF8);
        var line = new StringBuilder();
        char[] buffer = new char[1 << 16];
        for (int count; (count = reader.Read(buffer)) > 0;)
        {
            int start = 0;
            for (int end; (end = Array.IndexOf(buffer, '\n', start, count - start)) >= 0; start = end + 1)
            {
                yield return Take(line.Append(buffer, start, end - start));
            }
            line.Append(buffer, start, count - start);
        }
        if (line.Length > 0)
            yield return Take(line);
    }

    private static string Take(StringBuilder line)
    {
        string text = line.ToString();
        line.Clear();
        return text.EndsWith('\r') ? text[..^1] : text;
    }

    private static string Start(string line) => line.Length <= 60 ? line : line[..60] + "...";
}
