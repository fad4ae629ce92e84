using System.Reflection;

namespace Maha.TestData;

/// <summary>Runs a sample as its user does: a process of its own, arguments, output, exit code.</summary>
internal static class SampleProgram
{
    /// <summary>The folder of the repository.</summary>
    public static string Root { get; } = Metadata("Root");

    /// <summary>Runs samples/NAME in a folder.</summary>
    public static (int ExitCode, string Output, string Error) Run(string name, string folder, params string[] arguments)
    {
        string program = Path.Combine(FolderOf(name), $"{name}.dll");
        return ChildProcess.Run($"{name} {string.Join(' ', arguments)}", folder, [program, .. arguments]);
    }

    /// <summary>Returns the folder of the built program of samples/NAME and its libraries.</summary>
    public static string FolderOf(string name) => Path.Combine(Root, "samples", name, "bin", Metadata("Configuration"), "net10.0");

    private static string Metadata(string key)
        => typeof(SampleProgram).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == key).Value!;
}
