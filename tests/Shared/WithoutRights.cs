using System.Runtime.InteropServices;

namespace Maha.TestData;

/// <summary>
/// A time in which this thread has the rights of nobody, on Linux as root, who may write everything else. Elsewhere the rights of files hold as they are.
/// </summary>
internal sealed partial class WithoutRights : IDisposable
{
    private const int Nobody = 65534;
    private readonly bool _isRoot = OperatingSystem.IsLinux() && geteuid() == 0;

    public WithoutRights()
    {
        if (!_isRoot)
            return;
        _ = setfsgid(Nobody);
        _ = setfsuid(Nobody);
        // The call reports the user before it, and never an error.
        Assert.Equal(Nobody, setfsuid(Nobody));
    }

    public void Dispose()
    {
        if (!_isRoot)
            return;
        _ = setfsuid(0);
        _ = setfsgid(0);
    }

    // Of the thread alone.
    [LibraryImport("libc")]
    private static partial int setfsuid(int user);

    [LibraryImport("libc")]
    private static partial int setfsgid(int group);

    [LibraryImport("libc")]
    private static partial int geteuid();
}
