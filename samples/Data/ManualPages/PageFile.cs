namespace Maha.Samples.Data.ManualPages;

/// <summary>A manual page as its package ships it, as compressed roff source.</summary>
/// <param name="Package">The Debian package.</param>
/// <param name="Name">The file name without ".gz", such as "open.2" or "cam.4freebsd".</param>
/// <param name="Path">The path of the file.</param>
public sealed record PageFile(string Package, string Name, string Path)
{
    /// <summary>The manual's section, 1 to 9, from the file name; 0 where the name has none.</summary>
    public int Section
    {
        get
        {
            int dot = Name.LastIndexOf('.');
            bool numbered = dot >= 0 && dot + 1 < Name.Length && Name[dot + 1] is >= '1' and <= '9';
            return numbered ? Name[dot + 1] - '0' : 0;
        }
    }
}
