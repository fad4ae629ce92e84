namespace Maha.MLNet.Tests;

/// <summary>What went wrong behind the wrappers: ML.NET reads some chains on threads of its own and wraps what they throw.</summary>
internal static class Failures
{
    /// <summary>Whether the exception is, or wraps, the use of something disposed.</summary>
    public static bool IsDisposed(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is ObjectDisposedException)
                return true;
        }

        return false;
    }

    /// <summary>What lies behind the wrappers: ML.NET creates the parts of a model by reflection.</summary>
    public static Exception Root(Exception exception) => exception.InnerException is { } inner ? Root(inner) : exception;
}
