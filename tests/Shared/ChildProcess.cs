using System.Diagnostics;

namespace Maha.TestData;

/// <summary>Runs a program in a process of its own and reads what it prints.</summary>
internal static class ChildProcess
{
    /// <summary>Runs a program with arguments; fails the test if it does not end in time.</summary>
    /// <param name="name">The name of the program in the message of the failure.</param>
    /// <param name="folder">The working folder; null for that of the tests.</param>
    /// <param name="arguments">The arguments of the program.</param>
    /// <param name="change">Changes the environment of the process; null for that of the tests.</param>
    /// <param name="minutes">The time limit.</param>
    /// <param name="program">The file of the program.</param>
    public static (int ExitCode, string Output, string Error) Run(
        string name, string? folder, IEnumerable<string> arguments, Action<IDictionary<string, string?>>? change = null, int minutes = 3,
        string program = "dotnet")
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder ?? "",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Spinning threads would take the processors from the other tests.
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        change?.Invoke(start.Environment);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(minutes)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{name} did not end within {minutes} minutes.");
        }
        return (process.ExitCode, output.Result, error.Result);
    }
}
