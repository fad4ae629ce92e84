using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Maha.Samples.Data.ManualPages;

/// <summary>Converts roff source to plain text with mandoc.</summary>
public static class PageRenderer
{
    /// <summary>
    /// The line width in columns: wide enough that hardly a paragraph is broken.
    /// mandoc refuses widths of 2,000 and more, with empty output.
    /// </summary>
    public const int Width = 1000;

    /// <summary>The page with its overstrikes, as a terminal would get it; empty when mandoc can't read it.</summary>
    /// <exception cref="InvalidOperationException">mandoc isn't installed.</exception>
    public static string Render(string path)
    {
        var start = new ProcessStartInfo("mandoc")
        {
            ArgumentList = { "-Tutf8", $"-Owidth={Width}", path },
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.UTF8,
            UseShellExecute = false,
        };

        try
        {
            using var mandoc = Process.Start(start)!;
            string text = mandoc.StandardOutput.ReadToEnd();
            mandoc.WaitForExit();
            return text;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException(
                "'mandoc' renders the manual pages, but could not be started. Install it: apt-get install mandoc.", e);
        }
    }
}
