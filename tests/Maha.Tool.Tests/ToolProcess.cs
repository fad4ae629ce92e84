using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace Maha.Tool.Tests;

/// <summary>Runs the tool as its user does: a process of its own, arguments, standard input, output, exit code.</summary>
internal static class ToolProcess
{
    /// <summary>When a process is given up that does not end, or does not answer.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    /// <summary>The folder of the repository.</summary>
    public static string Root { get; } = Metadata("Root");

    /// <summary>The built program.</summary>
    public static string Program { get; } = Path.Combine(Root, "src", "Maha.Tool", "bin", Metadata("Configuration"), "net10.0", "Maha.Tool.dll");

    /// <summary>Starts the tool.</summary>
    public static Process Start(string folder, params string[] arguments) => Start("dotnet", folder, [Program, .. arguments]);

    /// <summary>Starts the tool for a test of signals: also where the tests run in a process that ignores them, such as a background job of a script.</summary>
    public static Process StartWithSignals(string folder, params string[] arguments) => OperatingSystem.IsLinux()
        ? Start("env", folder, ["--default-signal=INT,TERM", "dotnet", Program, .. arguments])
        : Start(folder, arguments);

    /// <summary>Starts a shell script, in which <c>$MAHA</c> is the tool.</summary>
    public static Process StartScript(string folder, string script) => Start("bash", folder, ["-c", $"MAHA='dotnet {Program}'; {script}"], "C");

    /// <summary>Runs the tool on bytes of standard input.</summary>
    public static Result Run(string folder, byte[]? input, params string[] arguments) => Finish(Start(folder, arguments), input);

    /// <summary>Runs the tool on texts of standard input.</summary>
    public static Result Run(string folder, string? input, params string[] arguments)
        => Run(folder, input is null ? null : Encoding.UTF8.GetBytes(input), arguments);

    /// <summary>Runs a shell script.</summary>
    public static Result RunScript(string folder, string script) => Finish(StartScript(folder, script), null);

    /// <summary>The lines of a text.</summary>
    public static string[] LinesOf(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Waits for a process to end.</summary>
    public static Result Finish(Process process, byte[]? input)
    {
        using (process)
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var error = process.StandardError.ReadToEndAsync();
            try
            {
                process.StandardInput.BaseStream.Write(input ?? []);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // The process has ended without reading its input.
            }
            if (!process.WaitForExit(Limit))
            {
                process.Kill(entireProcessTree: true);
                Assert.Fail($"The process did not end within {Limit}: {error.Result}");
            }
            return new Result(process.ExitCode, output.Result, error.Result);
        }
    }

    // The locale of the tool: not UTF-8, and with a decimal comma. Bash warns of one that is not installed.
    private static Process Start(string program, string folder, IEnumerable<string> arguments, string locale = "de_DE.ISO-8859-1")
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        // Spinning threads would take the processors from the other tests.
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        (start.Environment["LC_ALL"], start.Environment["LANG"]) = (locale, locale);
        return Process.Start(start)!;
    }

    private static string Metadata(string key)
        => typeof(ToolProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}

internal sealed record Result(int ExitCode, string Output, string Error)
{
    /// <summary>The lines of standard output.</summary>
    public string[] Lines => ToolProcess.LinesOf(Output);
}
