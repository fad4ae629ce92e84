using Microsoft.Extensions.FileSystemGlobbing;

namespace Maha.Documents.Files;

/// <summary>The files of a folder, and what of it could not be listed.</summary>
/// <param name="Files">The files, in the ordinal order of their paths.</param>
/// <param name="Skipped">The folders that could not be listed.</param>
internal sealed record FileListing(IReadOnlyList<DocumentFile> Files, IReadOnlyList<SkippedDocument> Skipped)
{
    /// <summary>Lists a folder, or one file.</summary>
    /// <exception cref="ArgumentException">A pattern was given for a file, or is not valid.</exception>
    /// <exception cref="FileNotFoundException">There is no such folder or file, or no file matches.</exception>
    public static FileListing Create(string path, string? pattern, DocumentFormat format)
    {
        if (Directory.Exists(path))
            return ListFolder(path, pattern, format);
        if (!File.Exists(path))
            throw new FileNotFoundException($"There is no folder or file '{Path.GetFullPath(path)}'. A pattern such as *.txt is an argument of its own.", path);
        if (pattern is not null)
            throw new ArgumentException($"A pattern needs a folder, but '{path}' is a file. Leave the pattern out, or name the folder.", nameof(pattern));
        return new FileListing([Describe(path, Path.GetFileName(path), format)], []);
    }

    private static FileListing ListFolder(string root, string? pattern, DocumentFormat format)
    {
        var matcher = CreateMatcher(pattern);
        var deeper = pattern is null ? null : CreateMatcher($"**/{pattern}");
        bool matchesDeeper = false;
        var files = new List<DocumentFile>();
        var skipped = new List<SkippedDocument>();
        // Not recursive: the depth of folders is not limited.
        var open = new Stack<string>([""]);
        while (open.TryPop(out string? folder))
        {
            try
            {
                foreach (var entry in new DirectoryInfo(Path.Combine(root, folder)).EnumerateFileSystemInfos())
                {
                    string name = folder.Length == 0 ? entry.Name : $"{folder}/{entry.Name}";
                    if (entry.Name.StartsWith('.'))
                        continue;
                    if (entry is not DirectoryInfo)
                    {
                        if (matcher is null || matcher.Match(name).HasMatches)
                            files.Add(Describe(entry.FullName, name, format));
                        else if (files.Count == 0 && !matchesDeeper)
                            matchesDeeper = deeper!.Match(name).HasMatches;
                    }
                    else if (entry.LinkTarget is not null)
                    {
                        // Links to folders can form circles.
                        skipped.Add(new SkippedDocument(name, null, "Links to folders are not followed. Load the folder itself."));
                    }
                    else
                    {
                        open.Push(name);
                    }
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                skipped.Add(new SkippedDocument(folder, null, $"The folder can't be listed: {e.Message}"));
            }
        }
        if (files.Count == 0 && skipped.Count == 0)
        {
            throw new FileNotFoundException(
                $"There must be a file that matches '{pattern ?? "**/*"}', but '{Path.GetFullPath(root)}' has none. "
                + (matchesDeeper ? $"Files of its subfolders match '**/{pattern}'." : "Files whose name starts with a dot are left out."));
        }
        // Ordinal, so that the order is the same in every culture and on every system.
        files.Sort((x, y) => string.CompareOrdinal(x.Path, y.Path));
        skipped.Sort((x, y) => string.CompareOrdinal(x.Path, y.Path));
        return new FileListing(files, skipped);
    }

    private static Matcher? CreateMatcher(string? pattern)
    {
        if (pattern is null)
            return null;
        if (string.IsNullOrWhiteSpace(pattern) || Path.IsPathRooted(pattern) || pattern.Split('/', '\\').Contains(".."))
        {
            throw new ArgumentException(
                $"The pattern must be relative to the folder and have no '..', but is '{pattern}'. Write for example **/*.txt.", nameof(pattern));
        }
        return new Matcher(StringComparison.OrdinalIgnoreCase).AddInclude(pattern);
    }

    private static DocumentFile Describe(string fullPath, string path, DocumentFormat format)
        => new(fullPath, path, format == DocumentFormat.Auto ? DocumentFile.FormatOf(path) : format);
}
