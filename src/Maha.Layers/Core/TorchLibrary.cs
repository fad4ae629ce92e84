using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;

namespace Maha.Layers.Core;

/// <summary>TorchSharp's native library and libtorch, which a program references as a package of its own.</summary>
/// <remarks>
/// Every entry point that computes with tensors calls <see cref="EnsureLoaded"/> first, so that a program without the native files, or on a system that is too
/// old for them, fails with a message that says what to do. TorchSharp itself writes a trace to the console, copies libtorch into the program's folder and
/// throws a <see cref="TypeInitializationException"/>.
/// </remarks>
public static partial class TorchLibrary
{
    private const string LibraryName = "LibTorchSharp";

    // The version that <MahaLoaderFix> removes from the library.
    private const string FixedVersion = "GLIBCXX_3.4.32";

    private static readonly string[] s_systems = ["linux-x64", "osx-arm64", "win-x64", "win-arm64"];
    private static readonly Lazy<TorchUnavailableException?> s_failure = new(Load);

    /// <summary>Loads TorchSharp's native library, once per process.</summary>
    /// <remarks>Call it at the start of a program to fail there rather than at the first tensor.</remarks>
    /// <exception cref="TorchUnavailableException">The library can't be loaded: native files are missing, or the system is too old for them.</exception>
    public static void EnsureLoaded()
    {
        // A new exception every time, because an exception object that is thrown twice loses its first stack trace.
        if (s_failure.Value is { } failure)
            throw new TorchUnavailableException(failure.Message, failure.InnerException!);
    }

    /// <summary>
    /// Calls <see cref="EnsureLoaded"/> in the argument of a base constructor, because the constructors of TorchSharp's modules call the native library.
    /// </summary>
    /// <param name="name">The name of the module.</param>
    /// <returns>The name.</returns>
    internal static string EnsureLoadedFor(string name)
    {
        EnsureLoaded();
        return name;
    }

    /// <summary>Explains the loader's message: the cause and the remedy.</summary>
    /// <param name="loaderMessage">The loader's message.</param>
    /// <param name="hasLibtorch">Whether a file of libtorch is in one of the folders that the loader searches.</param>
    /// <param name="system">The runtime identifier of this machine, without a version.</param>
    /// <param name="lastVersion">Returns the last GLIBCXX version of a libstdc++ file; null where it has none or can't be read.</param>
    internal static string Explain(string loaderMessage, bool hasLibtorch, string system, Func<string, string?> lastVersion)
    {
        // Versions are handled before missing files, because the loader checks versions only after it has found all files.
        if (MissingVersion().Match(loaderMessage) is { Success: true } missing)
        {
            string version = missing.Groups["version"].Value;
            string end = lastVersion(missing.Groups["path"].Value) is { } last ? $"this system's ends at {last}" : "this system's does not have it";
            string fix = version == FixedVersion ? "set <MahaLoaderFix>true</MahaLoaderFix> in the project file, or " : "";
            return $"TorchSharp's native library needs {version} of libstdc++.so.6, but {end}. To run here, {fix}use a newer system (Debian 13, Ubuntu 24.04).";
        }
        if (!s_systems.Contains(system))
        {
            return $"TorchSharp {Version("TorchSharp")} has native libraries for {string.Join(", ", s_systems)}, but this process runs on {system}. "
                + "Use one of these systems.";
        }
        if (!hasLibtorch)
        {
            string gpu = system == "linux-x64" ? $", or TorchSharp-cuda-linux {Version("TorchSharp")} for NVIDIA GPUs" : "";
            return "TorchSharp needs the native files of libtorch, but none lie beside this program. "
                + $"Add the package libtorch-cpu-{system} {Version("Libtorch")} to the program's project{gpu}.";
        }
        return $"TorchSharp's native library could not be loaded. The system's loader says: {loaderMessage}";
    }

    /// <summary>Returns the last GLIBCXX version of a libstdc++ file.</summary>
    /// <returns>The version; null where the file can't be read or has none.</returns>
    internal static string? LastVersion(string path)
    {
        try
        {
            return VersionName().Matches(System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(path)))
                .MaxBy(match => new Version(match.Groups["number"].Value))?.Groups["name"].Value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static TorchUnavailableException? Load()
    {
        var torchSharp = typeof(torch).Assembly;
        try
        {
            // As TorchSharp does when it starts: libtorch's GPU library is loaded before the library that may use it. A CPU build has none.
            if (!OperatingSystem.IsWindows())
                NativeLibrary.TryLoad("torch_cuda", torchSharp, null, out _);
            NativeLibrary.Load(LibraryName, torchSharp, null);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // In a notebook TorchSharp.dll is in the package cache, and TorchSharp collects the native files from there itself.
            string? package = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(torchSharp.Location)));
            if (package is not null && File.Exists(Path.Combine(package, "torchsharp.nuspec")))
                return null;
            string[] folders = Folders(torchSharp);
            string message = Explain(LoaderMessage(e, folders), Find(folders, "torch_cpu") is not null, SystemName(), LastVersion);
            return new TorchUnavailableException(message, e);
        }
    }

    // When asked for a name, the loader lists every path it tried; when asked for a file, it says what is wrong with the file.
    private static string LoaderMessage(Exception byName, string[] folders)
    {
        if (Find(folders, LibraryName) is not { } file)
            return byName.Message;
        try
        {
            NativeLibrary.Load(file);
            return byName.Message;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // The loader's own message is the last line; the runtime's debugging hints come before it.
            return e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        }
    }

    private static string? Find(string[] folders, string library)
    {
        string name = OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    // The folders that the runtime searches for native files: those that the program's deps.json names, the program's folder and the assembly's.
    private static string[] Folders(Assembly torchSharp) =>
    [
        .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
        AppContext.BaseDirectory,
        .. Path.GetDirectoryName(torchSharp.Location) is { Length: > 0 } folder ? [folder] : Array.Empty<string>(),
    ];

    private static string SystemName()
    {
        string system = OperatingSystem.IsWindows() ? "win"
            : OperatingSystem.IsMacOS() ? "osx"
            : OperatingSystem.IsLinux() ? "linux" : RuntimeInformation.OSDescription;
        return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    }

    // The version of a package that this library was built with.
    private static string Version(string package) =>
        typeof(TorchLibrary).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == $"{package}Version").Value!;

    [GeneratedRegex(@"(?<path>\S+): version [`'](?<version>GLIBCXX_[\d.]+)' not found")]
    private static partial Regex MissingVersion();

    [GeneratedRegex(@"(?<name>GLIBCXX_(?<number>\d+\.\d+\.\d+))\0")]
    private static partial Regex VersionName();
}
