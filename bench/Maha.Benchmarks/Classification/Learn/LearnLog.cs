using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Maha.Benchmarks.Classification;

/// <summary>A training with its metrics, one line of the results file.</summary>
internal sealed record LearnRecord
{
    /// <summary>The names of the files, for information.</summary>
    public required string Files { get; init; }

    /// <summary>The identity of the files' contents and of the documents that were used.</summary>
    public required string Data { get; init; }

    public required string Variant { get; init; }

    public required string Settings { get; init; }

    public required int Seed { get; init; }

    /// <summary>The fold that was tested; empty where there are none.</summary>
    public required string Fold { get; init; }

    /// <summary>The build of the library, for information: results of an older build are valid while the options are the same.</summary>
    public required string Build { get; init; }

    public required Judgment Judgment { get; init; }

    public bool IsSameTraining(LearnRecord other)
        => (Data, Variant, Settings, Seed, Fold) == (other.Data, other.Variant, other.Settings, other.Seed, other.Fold);
}

/// <summary>Results as lines of JSON in a file that several processes may append to.</summary>
internal static class LearnLog
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        IgnoreReadOnlyProperties = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Reads the results so far. Without a file there are none; its folder is then created, so that a wrong path fails before the training.</summary>
    /// <exception cref="UsageException">There can be no such file, or a line is not a result.</exception>
    public static List<LearnRecord> Read(string path)
    {
        var records = new List<LearnRecord>();
        if (Directory.Exists(path))
            throw new UsageException($"--out must name a file of results or a new one, but '{path}' is a folder. Name a file in it.");
        if (!File.Exists(path))
        {
            CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return records;
        }
        int number = 0;
        foreach (string line in File.ReadAllLines(path))
        {
            number++;
            try
            {
                if (line.Length > 0)
                    records.Add(JsonSerializer.Deserialize<LearnRecord>(line, s_json)!);
            }
            catch (JsonException e)
            {
                throw new UsageException($"--out must name a file of results or a new one, but line {number} of '{path}' is no result: {e.Message} Name "
                    + "another file, or remove the line.");
            }
        }
        return records;
    }

    private static void CreateFolder(string folder)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out must name a file of results or a new one, but its folder can't be made: {e.Message} Name another.");
        }
    }

    /// <summary>Appends a result as one whole line.</summary>
    public static void Append(string path, LearnRecord record)
    {
        byte[] line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(record, s_json) + "\n");
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                // The file is opened exclusively, so that lines of several processes don't mix.
                using var stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None);
                stream.Write(line);
                return;
            }
            catch (IOException) when (attempt < 200)
            {
                Thread.Sleep(25);
            }
        }
    }
}
