using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Maha.LoaderFix;

/// <summary>
/// Puts a patched copy in the place of TorchSharp's native library among the files that a build copies to its output, where the system's libstdc++ is too old
/// for it (see <see cref="LoaderFix"/>). The package cache is never written to.
/// </summary>
public sealed class FixTorchSharpLoader : Task
{
    private const string LibraryName = "libLibTorchSharp.so";

    /// <summary>The files that the build copies.</summary>
    [Required]
    public ITaskItem[] Files { get; set; } = [];

    /// <summary>The folder of the patched copy.</summary>
    [Required]
    public string Folder { get; set; } = "";

    /// <summary><c>true</c>: where this system needs it; <c>always</c>: also where it does not, for output that is carried to an older system.</summary>
    [Required]
    public string Mode { get; set; } = "";

    /// <summary>The files that have a patched copy.</summary>
    [Output]
    public ITaskItem[] Replaced { get; set; } = [];

    /// <summary>Their copies, with the same metadata.</summary>
    [Output]
    public ITaskItem[] Patched { get; set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        if (Mode != "true" && Mode != "always" && Mode != "false")
        {
            Log.LogError($"MahaLoaderFix must be 'true', 'always' or 'false', but is '{Mode}'.");
            return false;
        }
        if (Mode == "false" || (Mode == "true" && !SystemNeedsIt()))
            return true;

        var replaced = new List<ITaskItem>();
        var patched = new List<ITaskItem>();
        foreach (var file in Files.Where(item => Path.GetFileName(item.ItemSpec) == LibraryName))
        {
            byte[] bytes = File.ReadAllBytes(file.ItemSpec);
            switch (LoaderFix.Apply(bytes, out string reason))
            {
                case LoaderFixResult.Refused:
                    Log.LogWarning($"TorchSharp's native library '{file.ItemSpec}' can't be patched for older Linux: {reason}. " +
                        $"It may not load here. Run on a system whose {LoaderFix.StandardLibrary} has {LoaderFix.NeededVersion} (GCC 13: Debian 13, Ubuntu 24.04), or set MahaLoaderFix to 'false' to drop this warning.");
                    break;
                case LoaderFixResult.Patched:
                    string copy = Path.Combine(Folder, LibraryName);
                    // As a method call: the extension would be the one of spans, in an assembly that MSBuild need not have.
                    if (!File.Exists(copy) || !Enumerable.SequenceEqual(File.ReadAllBytes(copy), bytes))
                    {
                        Directory.CreateDirectory(Folder);
                        File.WriteAllBytes(copy, bytes);
                    }
                    Log.LogMessage(MessageImportance.Normal, $"TorchSharp's native library needs {LoaderFix.NeededVersion} of {LoaderFix.StandardLibrary}, for one call without effect: a copy without it goes into the output (MahaLoaderFix).");
                    replaced.Add(file);
                    patched.Add(new TaskItem(file) { ItemSpec = copy });
                    break;
            }
        }
        Replaced = [.. replaced];
        Patched = [.. patched];
        return true;
    }

    /// <summary>Whether the libstdc++ of this system lacks the version that TorchSharp's library needs.</summary>
    internal static bool SystemNeedsIt()
    {
        if (!RuntimeInformation.IsOSPlatform(OSPlatform.Linux) || RuntimeInformation.OSArchitecture != Architecture.X64)
            return false;
        string? path = SystemLibrary();
        return path is not null && !LoaderFix.Defines(File.ReadAllBytes(path));
    }

    // Where the loader finds it: loaded, and then looked up among the files that are mapped into this process.
    private static string? SystemLibrary()
    {
        try
        {
            const int Lazy = 1;
            if (Open(LoaderFix.StandardLibrary, Lazy) == IntPtr.Zero)
                return null;
            return File.ReadLines("/proc/self/maps")
                .Select(line => line.IndexOf('/') is var at && at >= 0 ? line.Substring(at) : "")
                .FirstOrDefault(path => Path.GetFileName(path).StartsWith(LoaderFix.StandardLibrary, StringComparison.Ordinal) && File.Exists(path));
        }
        catch (Exception e) when (e is DllNotFoundException or EntryPointNotFoundException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    [DllImport("libdl.so.2", EntryPoint = "dlopen")]
    private static extern IntPtr Open(string name, int mode);
}
