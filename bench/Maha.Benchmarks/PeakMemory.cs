using System.Globalization;
using System.Runtime.InteropServices;

namespace Maha.Benchmarks;

/// <summary>The peak memory of the process since a moment. Linux only; elsewhere null.</summary>
internal static partial class PeakMemory
{
    private const string ClearRefs = "/proc/self/clear_refs";
    private const string Status = "/proc/self/status";

    // Writing it to clear_refs sets the high-water mark back to what is held now (proc(5)).
    private const string ResetPeak = "5";

    /// <summary>Gives freed memory back to the system and starts counting.</summary>
    public static void Reset()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        if (!OperatingSystem.IsLinux())
            return;
        Trim();
        try
        {
            File.WriteAllText(ClearRefs, ResetPeak);
        }
        catch (IOException)
        {
            // A sandbox without the file: the peak is then that of the whole run, an upper bound.
        }
        catch (UnauthorizedAccessException)
        {
        }
    }

    /// <summary>The peak in MiB since <see cref="Reset"/>, the .NET runtime, the weights and the input included.</summary>
    public static double? Read()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        string? line = File.ReadLines(Status).FirstOrDefault(text => text.StartsWith("VmHWM:", StringComparison.Ordinal));
        return line is null ? null : double.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>
    /// The MiB that the C library has given out and not got back: what is held, without the free pieces between. Null where its malloc does not say.
    /// </summary>
    public static double? Allocated()
    {
        if (!OperatingSystem.IsLinux())
            return null;
        try
        {
            var info = mallinfo2();
            return (info.UsedBytes + info.MappedBytes) / 1048576.0;
        }
        catch (EntryPointNotFoundException)
        {
            // Other C libraries, and glibc before 2.33.
            return null;
        }
    }

    private static void Trim()
    {
        try
        {
            _ = malloc_trim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Only glibc has malloc_trim; other C libraries keep freed memory in their own way.
        }
    }

    [LibraryImport("libc")]
    private static partial int malloc_trim(nuint pad);

    [LibraryImport("libc")]
    private static partial MallocInfo mallinfo2();

    // struct mallinfo2 of malloc.h.
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MallocInfo
    {
        private readonly nuint _arena, _freePieces, _fastPieces, _mappedPieces, _mappedBytes, _highest, _fastBytes, _usedBytes, _freeBytes, _releasable;

        public double MappedBytes => _mappedBytes;

        public double UsedBytes => _usedBytes;
    }
}
