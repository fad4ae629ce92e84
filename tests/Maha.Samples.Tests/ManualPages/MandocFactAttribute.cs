namespace Maha.Samples.Tests.ManualPages;

/// <summary>A fact that needs mandoc; skipped where it isn't installed.</summary>
public sealed class MandocFactAttribute : FactAttribute
{
    public MandocFactAttribute()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        if (!folders.Any(folder => File.Exists(Path.Combine(folder, "mandoc"))))
            Skip = "mandoc is not installed: apt-get install mandoc";
    }
}
