using System.Diagnostics;

namespace Maha.Benchmarks.Reliability;

/// <summary>A run of this program in a process of its own, which may be killed.</summary>
internal sealed class ChildRun : IDisposable
{
    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly ManualResetEventSlim _isReady = new();

    /// <summary>Starts the program.</summary>
    /// <param name="arguments">The arguments: the name of a measurement and its options.</param>
    /// <param name="readyLine">The line that tells that the run is ready; null for none.</param>
    /// <param name="launcher">The program that starts <c>dotnet</c>, with its arguments; empty for none.</param>
    public ChildRun(IEnumerable<string> arguments, string? readyLine = null, params IEnumerable<string> launcher)
        : this(arguments, readyLine, [], launcher)
    {
    }

    /// <summary>Starts the program with variables of the environment of its own.</summary>
    /// <param name="arguments">The arguments: the name of a measurement and its options.</param>
    /// <param name="readyLine">The line that tells that the run is ready; null for none.</param>
    /// <param name="variables">The variables.</param>
    /// <param name="launcher">The program that starts <c>dotnet</c>, with its arguments; empty for none.</param>
    public ChildRun(
        IEnumerable<string> arguments, string? readyLine, IEnumerable<KeyValuePair<string, string>> variables, params IEnumerable<string> launcher)
    {
        string[] command = [.. launcher, "dotnet", typeof(ChildRun).Assembly.Location, .. arguments];
        var start = new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        start.Environment["OMP_NUM_THREADS"] = "1";
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, e) => Keep(e.Data);
        _process.ErrorDataReceived += (_, e) => Keep(e.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();

        void Keep(string? line)
        {
            if (line is null)
                return;
            lock (_lines)
                _lines.Add(line);
            if (line == readyLine)
                _isReady.Set();
        }
    }

    /// <summary>What the run has printed, both streams together.</summary>
    public string Output
    {
        get
        {
            lock (_lines)
                return string.Join('\n', _lines);
        }
    }

    /// <summary>Waits for the ready line.</summary>
    public bool WaitUntilReady(TimeSpan limit) => _isReady.Wait(limit);

    /// <summary>Waits for the end.</summary>
    /// <returns>The exit code; null where the run has not ended in time.</returns>
    public int? Wait(TimeSpan limit)
    {
        if (!_process.WaitForExit(limit))
            return null;
        _process.WaitForExit(); // until all output is read
        return _process.ExitCode;
    }

    /// <summary>Ends the run at once, as <c>kill -9</c> does.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Ends the run if it has not ended.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
        _isReady.Dispose();
    }
}
