using System.Reflection;

namespace Maha.TestData;

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
    /// <param name="method">The method.</param>
    /// <param name="change">Changes the environment of the process; null for that of the tests.</param>
    /// <param name="minutes">The time limit.</param>
    public static void AssertEnds(Action method, Action<IDictionary<string, string?>>? change = null, int minutes = 3)
    {
        string[] arguments = [typeof(ChildProgram).Assembly.Location, method.Method.DeclaringType!.AssemblyQualifiedName!, method.Method.Name];
        var (exitCode, output, error) = ChildProcess.Run(method.Method.Name, folder: null, arguments, change, minutes);
        Assert.True(exitCode == 0, $"{method.Method.Name} ended with {exitCode}.\n{output}\n{error}");
    }
}
