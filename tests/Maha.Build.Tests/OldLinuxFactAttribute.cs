using Maha.LoaderFix;

namespace Maha.Build.Tests;

/// <summary>A test that needs a Linux on which TorchSharp's library does not load without the fix: Debian 12, Ubuntu 22.04.</summary>
internal sealed class OldLinuxFactAttribute : FactAttribute
{
    public OldLinuxFactAttribute()
    {
        if (!FixTorchSharpLoader.SystemNeedsIt())
            Skip = "needs a Linux whose libstdc++ is older than GCC 13";
    }
}
