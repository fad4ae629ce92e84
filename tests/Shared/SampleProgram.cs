using System.Diagnostics;
using System.Reflection;

namespace Maha.TestData;

/// <summary>Runs a sample as its user does: a process of its own, arguments, output, exit code.</summary>
internal static class SampleProgram
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    /// <summary>The folder of the repository.</summary>
    public static string Root { get; } = Metadata("Root");

    /// <summary>Runs samples/NAME in a folder.</summary>
    public static (int ExitCode, string Output, string Error) Run(string name, string folder, params string[] arguments)
    {
        string program = Path.Combine(Root, "samples", name, "bin", Metadata("Configuration"), "net10.0", $"{name}.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        // Spinning threads would take the processors from whatever runs beside the tests.
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{name} {string.Join(' ', arguments)} did not end within {s_limit}.");
        }
        return (process.ExitCode, output.Result, error.Result);
    }

    private static string Metadata(string key)
        => typeof(SampleProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
