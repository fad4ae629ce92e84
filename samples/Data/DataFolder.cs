namespace Maha.Samples.Data;

/// <summary>The folders of the samples' data.</summary>
internal static class DataFolder
{
    /// <summary>The folder artifacts/data/NAME of the repository that the program is in; of the current directory where it is in none.</summary>
    public static string Path(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "Maha.sln")))
            folder = folder.Parent;
        return System.IO.Path.Combine(folder?.FullName ?? Environment.CurrentDirectory, "artifacts", "data", name);
    }
}
