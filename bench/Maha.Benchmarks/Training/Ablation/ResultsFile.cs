using System.Text.Json.Nodes;

namespace Maha.Benchmarks.Training;

/// <summary>
/// Results as JSON, one object per line, appended as they come; a result in the file is not measured again. Several processes may append to one file.
/// </summary>
internal sealed class ResultsFile
{
    private readonly string _path;

    public ResultsFile(string path)
    {
        _path = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
    }

    /// <summary>All results of one setting, those of other processes included.</summary>
    public IReadOnlyList<JsonObject> Rows(string setting)
    {
        if (!File.Exists(_path))
            return [];
        using var stream = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        var rows = new List<JsonObject>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && JsonNode.Parse(line) is JsonObject row && (string?)row["setting"] == setting)
                rows.Add(row);
        }

        return rows;
    }

    /// <summary>Appends a result, whole lines only.</summary>
    public void Append(JsonObject row)
    {
        byte[] line = System.Text.Encoding.UTF8.GetBytes(row.ToJsonString() + "\n");
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                using var stream = new FileStream(_path, FileMode.Append, FileAccess.Write, FileShare.Read);
                stream.Write(line);
                return;
            }
            catch (IOException) when (attempt < 100)
            {
                // Another process is writing its line.
                Thread.Sleep(50);
            }
        }
    }
}
