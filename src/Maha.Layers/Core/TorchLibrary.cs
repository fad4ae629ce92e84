using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using TorchSharp;

namespace Maha.Layers.Core;

/// <summary>TorchSharp's native library and libtorch, which programs bring along by a package of their own.</summary>
/// <remarks>
/// Whatever of this library computes with tensors calls <see cref="EnsureLoaded"/> first, so that a program without native files, or on a system that is too old for them,
/// fails with one sentence. TorchSharp itself writes a trace to the console, copies libtorch into the program's folder and throws a <see cref="TypeInitializationException"/>.
/// </remarks>
public static partial class TorchLibrary
{
    private const string LibraryName = "LibTorchSharp";

    // The version that eng/LoaderFix takes out of the library.
    private const string FixedVersion = "GLIBCXX_3.4.32";

    private static readonly string[] s_systems = ["linux-x64", "osx-arm64", "win-x64", "win-arm64"];
    private static readonly Lazy<TorchUnavailableException?> s_failure = new(Load);

    /// <summary>Loads TorchSharp's native library, once in a process.</summary>
    /// <remarks>Call it at the start of a program that would rather fail there.</remarks>
    /// <exception cref="TorchUnavailableException">It can't be loaded: native files are missing, or the system is too old for them.</exception>
    public static void EnsureLoaded()
    {
        // A new one every time: an exception object that is thrown twice loses where it was thrown first.
        if (s_failure.Value is { } failure)
            throw new TorchUnavailableException(failure.Message, failure.InnerException!);
    }

    /// <summary>As <see cref="EnsureLoaded"/>, for arguments of base constructors: those of TorchSharp's modules call the native library.</summary>
    /// <param name="name">Any name.</param>
    /// <returns>The name.</returns>
    internal static string EnsureLoadedFor(string name)
    {
        EnsureLoaded();
        return name;
    }

    /// <summary>Puts what the loader said into words.</summary>
    /// <param name="said">The loader's message.</param>
    /// <param name="hasLibtorch">Whether a file of libtorch lies where the loader looks.</param>
    /// <param name="system">The runtime identifier of this machine, without a version.</param>
    /// <param name="endOf">The last GLIBCXX version of a libstdc++ file; null where there is none to read.</param>
    internal static string Explain(string said, bool hasLibtorch, string system, Func<string, string?> endOf)
    {
        // Before the missing files: the loader looks at versions only after it has found all files.
        if (MissingVersion().Match(said) is { Success: true } missing)
        {
            string version = missing.Groups["version"].Value;
            string end = endOf(missing.Groups["path"].Value) is { } last ? $"this system's ends at {last}" : "this system's does not have it";
            string fix = version == FixedVersion ? "set <MahaLoaderFix>true</MahaLoaderFix> in the project file, or " : "";
            return $"TorchSharp's native library needs {version} of libstdc++.so.6, but {end}. To run here, {fix}use a newer system (Debian 13, Ubuntu 24.04).";
        }
        if (!s_systems.Contains(system))
            return $"TorchSharp {Version("TorchSharp")} has native libraries for {string.Join(", ", s_systems)}, but this process runs on {system}. Use one of these systems.";
        if (!hasLibtorch)
        {
            string gpu = system == "linux-x64" ? $", or TorchSharp-cuda-linux {Version("TorchSharp")} for NVIDIA GPUs" : "";
            return $"TorchSharp needs the native files of libtorch, but none lie beside this program. Add the package libtorch-cpu-{system} {Version("Libtorch")} to the program's project{gpu}.";
        }
        return $"TorchSharp's native library could not be loaded. The system's loader says: {said}";
    }

    /// <summary>The last GLIBCXX version of a libstdc++ file.</summary>
    /// <returns>Null where the file can't be read or has none.</returns>
    internal static string? EndOf(string path)
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
            // As TorchSharp does when it starts: libtorch's part for GPUs comes before the library that may use it. There is none in a build for processors.
            if (!OperatingSystem.IsWindows())
                NativeLibrary.TryLoad("torch_cuda", torchSharp, null, out _);
            NativeLibrary.Load(LibraryName, torchSharp, null);
            return null;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            // In a notebook TorchSharp.dll lies in the package cache, from where TorchSharp gathers the native files itself.
            string? package = Path.GetDirectoryName(Path.GetDirectoryName(Path.GetDirectoryName(torchSharp.Location)));
            if (package is not null && File.Exists(Path.Combine(package, "torchsharp.nuspec")))
                return null;
            string[] folders = Folders(torchSharp);
            return new TorchUnavailableException(Explain(Said(e, folders), Find(folders, "torch_cpu") is not null, SystemName(), EndOf), e);
        }
    }

    // Asked for a name, the loader tells of every place and spelling it tried; asked for the file, it says what is wrong with it.
    private static string Said(Exception byName, string[] folders)
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
            // Before the loader's own words stand hints of the runtime how to debug it.
            return e.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^1];
        }
    }

    private static string? Find(string[] folders, string library)
    {
        string name = OperatingSystem.IsWindows() ? $"{library}.dll" : OperatingSystem.IsMacOS() ? $"lib{library}.dylib" : $"lib{library}.so";
        return folders.Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
    }

    // Where the runtime looks for native files: what the program's deps.json names, the program's folder, the assembly's.
    private static string[] Folders(Assembly torchSharp)
        =>
        [
            .. (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries),
            AppContext.BaseDirectory,
            .. Path.GetDirectoryName(torchSharp.Location) is { Length: > 0 } folder ? [folder] : Array.Empty<string>(),
        ];

    private static string SystemName()
    {
        string system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : OperatingSystem.IsLinux() ? "linux" : RuntimeInformation.OSDescription;
        return $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
    }

    // The versions that this library was built with.
    private static string Version(string package)
        => typeof(TorchLibrary).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(attribute => attribute.Key == $"{package}Version").Value!;

    [GeneratedRegex(@"(?<path>\S+): version [`'](?<version>GLIBCXX_[\d.]+)' not found")]
    private static partial Regex MissingVersion();

    [GeneratedRegex(@"(?<name>GLIBCXX_(?<number>\d+\.\d+\.\d+))\0")]
    private static partial Regex VersionName();
}
