using System.Diagnostics;
using System.Reflection;

namespace Maha.Layers.Tests.Core;

/// <summary>Runs a test method in a process of its own, so that a failure that ends the process does not end the test run.</summary>
internal static class ChildProgram
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(3);

    /// <summary>The entry point of the child process, with the arguments <c>TYPE METHOD</c>.</summary>
    public static int Main(string[] arguments)
    {
        try
        {
            var method = Type.GetType(arguments[0], throwOnError: true)!.GetMethod(arguments[1],
                BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public)!;
            method.CreateDelegate<Action>()();
            return 0;
        }
        catch (Exception exception)
        {
            Console.WriteLine(exception);
            return 1;
        }
    }

    /// <summary>Fails unless the static method returns in a process of its own.</summary>
    public static void AssertEnds(Action method)
    {
        var start = new ProcessStartInfo("dotnet",
            [typeof(ChildProgram).Assembly.Location, method.Method.DeclaringType!.AssemblyQualifiedName!, method.Method.Name])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_limit))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{method.Method.Name} did not end within {s_limit}.");
        }
        Assert.True(process.ExitCode == 0, $"{method.Method.Name} ended with {process.ExitCode}.\n{output.Result}\n{error.Result}");
    }
}
