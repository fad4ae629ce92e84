using System.ComponentModel;
using System.Diagnostics;

namespace Maha.Samples.Data;

/// <summary>Runs the scripts that fetch Debian packages.</summary>
internal static class FetchScript
{
    /// <summary>Runs a script and waits for its end.</summary>
    /// <param name="name">The script's file name.</param>
    /// <param name="folder">The folder that it writes to.</param>
    /// <exception cref="InvalidOperationException">The script can't be started, or fails; the message says the remedy.</exception>
    public static void Run(string name, string folder)
    {
        string script = Path.Combine(AppContext.BaseDirectory, "data", name);
        try
        {
            using var bash = Process.Start(new ProcessStartInfo("bash") { ArgumentList = { script, folder } })!;
            bash.WaitForExit();
            if (bash.ExitCode != 0)
            {
                throw new InvalidOperationException(
                    $"{name} must exit with 0, but exited with {bash.ExitCode}; its last line says why. Run it again by hand: {script} {folder}");
            }
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"'bash' runs {name}, but could not be started. Use Debian or Ubuntu (a container will do).", e);
        }
    }
}
