using System.Reflection;
using Maha.TestData;

namespace Maha.Layers.Tests.Core;

/// <summary>Runs a test method in a process of its own, so that a failure that ends the process does not end the test run.</summary>
internal static class ChildProgram
{
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
        var (exitCode, output, error) = ChildProcess.Run(
            method.Method.Name, folder: null, [typeof(ChildProgram).Assembly.Location, method.Method.DeclaringType!.AssemblyQualifiedName!, method.Method.Name]);
        Assert.True(exitCode == 0, $"{method.Method.Name} ended with {exitCode}.\n{output}\n{error}");
    }
}
