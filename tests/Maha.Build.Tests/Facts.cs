using System.Reflection;
using System.Security.Cryptography;
using Maha.TestData;

namespace Maha.Build.Tests;

/// <summary>The paths of files that tests read, and methods that run programs.</summary>
internal static class Facts
{
    // One build of the repository at a time: two would write the same files of the projects that both need.
    private static readonly Lock s_building = new();

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

    /// <summary>Runs dotnet in a folder; in one of the repository, where it builds, one run at a time.</summary>
    public static (int ExitCode, string Output, string Error) Dotnet(string folder, IEnumerable<string> arguments,
        params (string Name, string? Value)[] environment)
    {
        string[] all = [.. arguments];
        if (!IsInRepository(folder))
            return Run();
        lock (s_building)
            return Run();

        (int ExitCode, string Output, string Error) Run() => ChildProcess.Run($"dotnet {string.Join(' ', all)}", folder, all, Change, minutes: 5);

        void Change(IDictionary<string, string?> variables)
        {
            // A reused build node would keep files of the tests' folders open; variables of the test host must not change the builds that tests start.
            foreach (string name in variables.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToList())
                variables.Remove(name);
            variables["MSBUILDDISABLENODEREUSE"] = "1";
            foreach (var (name, value) in environment)
            {
                if (value is null)
                    variables.Remove(name);
                else
                    variables[name] = value;
            }
        }
    }

    private static bool IsInRepository(string folder)
        => Path.GetFullPath(folder + Path.DirectorySeparatorChar).StartsWith(Path.GetFullPath(Root + Path.DirectorySeparatorChar), StringComparison.Ordinal);

    private static string Metadata(string key)
        => typeof(Facts).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
