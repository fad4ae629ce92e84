using System.Reflection;

namespace Maha.Samples.Shared;

/// <summary>Reports what the user can correct in one line on standard error, instead of a stack trace.</summary>
public static class ErrorReport
{
    /// <summary>The exit code of a run that failed.</summary>
    public const int Failure = 1;

    /// <summary>Runs a command.</summary>
    /// <param name="run">The command; returns the exit code.</param>
    /// <param name="isExpected">Further exceptions that are reported in a line; null for none.</param>
    /// <returns>The command's exit code, or <see cref="Failure"/>.</returns>
    public static int Run(Func<int> run, Predicate<Exception>? isExpected = null) =>
        RunAsync(() => Task.FromResult(run()), isExpected).GetAwaiter().GetResult();

    /// <summary>Runs an asynchronous command; see <see cref="Run"/>.</summary>
    public static async Task<int> RunAsync(Func<Task<int>> run, Predicate<Exception>? isExpected = null)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (IsExpected(Reason(e)) || isExpected?.Invoke(Reason(e)) == true)
        {
            Console.Error.WriteLine(Reason(e).Message);
            return Failure;
        }
    }

    private static bool IsExpected(Exception e) => e is InvalidOperationException or ArgumentException or FormatException or InvalidDataException
        or IOException or UnauthorizedAccessException or TimeoutException or OperationCanceledException;

    // ML.NET creates the parts of a saved model by reflection, which wraps what they throw.
    private static Exception Reason(Exception e) => e is TargetInvocationException { InnerException: { } inner } ? Reason(inner) : e;
}
