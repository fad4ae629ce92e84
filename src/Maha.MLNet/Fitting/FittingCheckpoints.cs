using System.Diagnostics;
using System.Globalization;
using Maha.Layers.Training;
using Microsoft.ML.Runtime;

namespace Maha.MLNet.Fitting;

/// <summary>
/// The checkpoints of a fitting in a folder: the last two are kept, and a later fitting with the same options and data goes on from the last whole one.
/// </summary>
internal sealed class FittingCheckpoints : ITrainingCheckpoints, IDisposable
{
    private const string Prefix = "checkpoint-";
    private const string Extension = ".maha";
    private const string LockName = "checkpoint.lock";
    private const int KeptFiles = 2;

    private readonly string _folder;
    private readonly TimeSpan _interval;
    private readonly IChannel _channel;
    private readonly SortedDictionary<string, string> _options;
    private readonly FileStream _lock;
    private readonly Dictionary<string, byte[]> _parts = [];
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly TimeSpan _elapsedBefore;
    // The state that the training goes on from, until the training reads it. The file may be deleted meanwhile.
    private Stream? _state;
    private long _lastWritten = Stopwatch.GetTimestamp();
    private int _number;
    private bool _hasUnsavedParts;

    /// <summary>Opens a folder, and finds the checkpoint to go on from.</summary>
    /// <param name="folder">The folder, which is created if it does not exist.</param>
    /// <param name="interval">The time between two checkpoints.</param>
    /// <param name="options">What the result depends on, by name.</param>
    /// <param name="channel">The channel for messages.</param>
    /// <exception cref="ArgumentException">The folder has a checkpoint of other options.</exception>
    /// <exception cref="IOException">The folder can't be written, or another training uses it.</exception>
    /// <exception cref="UnauthorizedAccessException">The process may not write to the folder.</exception>
    public FittingCheckpoints(string folder, TimeSpan interval, SortedDictionary<string, string> options, IChannel channel)
    {
        (_folder, _interval, _options, _channel) = (Path.GetFullPath(folder), interval, options, channel);
        _lock = OpenLock();
        try
        {
            if (FindWhole() is not { } resumed)
                return;
            RequireSameOptions(resumed.Head.Options);
            _elapsedBefore = resumed.Head.Elapsed;
            foreach (var (name, bytes) in resumed.Parts)
                _parts.Add(name, bytes);
            _state = resumed.OpenState();
            channel.Info(
                MessageSensitivity.None,
                $"Goes on from the checkpoint of {resumed.Head.Written.ToString("u", CultureInfo.InvariantCulture)} in '{_folder}', " +
                $"after {_elapsedBefore:d\\.hh\\:mm\\:ss}.");
        }
        catch
        {
            _lock.Dispose();
            throw;
        }
    }

    /// <summary>The time that the fitting had taken in the processes before this one.</summary>
    public TimeSpan ElapsedBefore => _elapsedBefore;

    /// <summary>Whether a training of a network goes on.</summary>
    public bool HasState => _state is not null;

    /// <inheritdoc/>
    public bool IsDue => Stopwatch.GetElapsedTime(_lastWritten) >= _interval;

    /// <summary>Returns a part that was fitted in an earlier process; null if there is none.</summary>
    public Stream? OpenPart(string name) => _parts.TryGetValue(name, out byte[]? bytes) ? new MemoryStream(bytes, writable: false) : null;

    /// <summary>Adds a part to the checkpoints from now on.</summary>
    /// <param name="name">The name of the part.</param>
    /// <param name="write">Writes the part.</param>
    public void AddPart(string name, Action<Stream> write)
    {
        using var stream = new MemoryStream();
        write(stream);
        _parts[name] = stream.ToArray();
        _hasUnsavedParts = true;
        if (IsDue)
            WriteFile(null);
    }

    /// <summary>Checks that the data are those of the checkpoint, or adds what they are to the checkpoints.</summary>
    /// <param name="what">The data in the message, for instance "training data".</param>
    /// <param name="fingerprint">A text that differs for other data.</param>
    /// <exception cref="ArgumentException">The checkpoint is of other data.</exception>
    public void RequireSameData(string what, string fingerprint)
    {
        if (!_parts.TryGetValue(what, out byte[]? known))
            AddPart(what, stream => stream.Write(System.Text.Encoding.UTF8.GetBytes(fingerprint)));
        else if (System.Text.Encoding.UTF8.GetString(known) is var expected && expected != fingerprint)
            throw Refusal($"the {what} ({expected} there, {fingerprint} here)");
    }

    /// <summary>Writes parts that are in no file yet, since the fitting is canceled.</summary>
    public void SaveUnsavedParts()
    {
        if (_hasUnsavedParts)
            WriteFile(null);
    }

    /// <summary>Removes all checkpoints, since the fitting is complete or leads nowhere.</summary>
    public void Delete()
    {
        if (!Directory.Exists(_folder))
            return;
        foreach (var (path, _) in Files())
            TryDelete(path);
        foreach (string partial in Directory.EnumerateFiles(_folder, $"{Prefix}*{Extension}{Layers.Core.AtomicFile.PartialSuffix}"))
            TryDelete(partial);
        _hasUnsavedParts = false;
    }

    /// <inheritdoc/>
    void ITrainingCheckpoints.Save(Action<Stream> write) => WriteFile(write);

    /// <inheritdoc/>
    Stream? ITrainingCheckpoints.Open()
    {
        var state = _state;
        _state = null;
        return state;
    }

    /// <inheritdoc/>
    void ITrainingCheckpoints.OnResumed(TrainingState state) => _channel.Info(
        MessageSensitivity.None,
        $"The training of the network goes on in epoch {state.Position.Epoch} of {state.NumberOfEpochs}, after step {state.Step} of {state.TotalSteps}.");

    /// <summary>Leaves the folder to others.</summary>
    public void Dispose()
    {
        _state?.Dispose();
        _lock.Dispose();
    }

    private FileStream OpenLock()
    {
        string path = Path.Combine(_folder, LockName);
        try
        {
            Directory.CreateDirectory(_folder);
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UnauthorizedAccessException(
                $"CheckpointPath must be a folder that this process may write to, but '{_folder}' is not: {e.Message} " +
                "Change the rights, or choose another folder.", e);
        }
        catch (IOException e)
        {
            throw new IOException(
                $"CheckpointPath must be a folder that can be written and that no other training uses, but '{_folder}' is not: {e.Message} " +
                "Give each training a folder of its own.", e);
        }
    }

    private CheckpointFile? FindWhole()
    {
        var files = Files();
        _number = files.Count == 0 ? 0 : files[0].Number;
        foreach (var (path, _) in files)
        {
            try
            {
                return CheckpointFile.Read(path);
            }
            catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
            {
                _channel.Warning(MessageSensitivity.None, $"The checkpoint '{path}' is not whole and is passed over: {e.Message}");
            }
        }
        return null;
    }

    // The newest first.
    private List<(string Path, int Number)> Files() =>
    [
        .. Directory.EnumerateFiles(_folder, $"{Prefix}*{Extension}")
            .Select(path => (path, Number: NumberOf(path)))
            .Where(file => file.Number > 0)
            .OrderByDescending(file => file.Number),
    ];

    // 0 for a file that is not a checkpoint.
    private static int NumberOf(string path) =>
        int.TryParse(Path.GetFileNameWithoutExtension(path)[Prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    private void WriteFile(Action<Stream>? writeState)
    {
        // A state that the training has not read yet must not be lost.
        if (writeState is null && _state is { } unread)
        {
            long start = unread.Position;
            writeState = stream =>
            {
                unread.CopyTo(stream);
                unread.Position = start;
            };
        }
        // Also after a failure, so that not every step tries again.
        _lastWritten = Stopwatch.GetTimestamp();
        string path = Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{_number + 1:D6}{Extension}"));
        try
        {
            Directory.CreateDirectory(_folder);
            var head = new CheckpointHead(_options, _elapsedBefore + Stopwatch.GetElapsedTime(_started), DateTimeOffset.UtcNow);
            CheckpointFile.Write(path, head, _parts, writeState);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _channel.Warning(MessageSensitivity.None, $"A checkpoint could not be written; the training goes on without it. {e.Message}");
            return;
        }
        _number++;
        _hasUnsavedParts = false;
        foreach (var (old, _) in Files().Skip(KeptFiles))
            TryDelete(old);
    }

    private void RequireSameOptions(IReadOnlyDictionary<string, string> known)
    {
        string[] differences =
        [
            .. known.Keys.Union(_options.Keys).Order(StringComparer.Ordinal)
                .Where(name => known.GetValueOrDefault(name) != _options.GetValueOrDefault(name))
                .Select(name => $"{name} ({known.GetValueOrDefault(name, "none")} there, {_options.GetValueOrDefault(name, "none")} here)"),
        ];
        if (differences.Length > 0)
            throw Refusal(string.Join(", ", differences));
    }

    private ArgumentException Refusal(string differences) => new(
        $"The checkpoint in '{_folder}' must be of the same options and data as this training, but differs by {differences}. " +
        "To begin anew, delete the folder or choose another CheckpointPath; to go on, restore the options and data.",
        nameof(MahaEstimatorOptions.CheckpointPath));

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A file that stays does no harm: the newest is read first.
        }
    }
}
