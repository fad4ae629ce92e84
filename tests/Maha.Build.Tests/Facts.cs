using System.Diagnostics;
using System.Reflection;
using System.Security.Cryptography;

namespace Maha.Build.Tests;

/// <summary>The paths of files that tests read, and methods that run programs.</summary>
internal static class Facts
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(5);

    public static string Root => Metadata("Root");

    public static string Configuration => Metadata("Configuration");

    public static string RuntimeIdentifier => Metadata("RuntimeIdentifier");

    public static string LibtorchVersion => Metadata("LibtorchVersion");

    /// <summary>The folder of all packages that were restored.</summary>
    public static string PackageCache => Metadata("PackageCache");

    /// <summary>TorchSharp's native library for Linux as its package has it.</summary>
    public static string PackagedLibrary
        => Path.Combine(PackageCache, "torchsharp", Metadata("TorchSharpVersion"), "runtimes", "linux-x64", "native", "libLibTorchSharp.so");

    public static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));

    /// <summary>Runs dotnet in a folder.</summary>
    public static (int ExitCode, string Output, string Error) Dotnet(string folder, IEnumerable<string> arguments,
        params (string Name, string? Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        // A reused build node would keep files of the tests' folders open; variables of the test host must not change the builds that tests start.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)
            && name != "MSBUILDDISABLENODEREUSE").ToList())
        {
            start.Environment.Remove(name);
        }
        foreach (var (name, value) in environment)
        {
            if (value is null)
                start.Environment.Remove(name);
            else
                start.Environment[name] = value;
        }
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"dotnet {string.Join(' ', arguments)} did not end within {s_limit}.");
        }
        return (process.ExitCode, output.Result, error.Result);
    }

    private static string Metadata(string key)
        => typeof(Facts).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
