using System.Reflection;
using Maha.MLNet.ModelFiles;

namespace Maha.MLNet.Tests;

/// <summary>Finds the cause of a wrapped exception: ML.NET reads some chains on threads of its own and wraps what they throw.</summary>
internal static class Failures
{
    /// <summary>Returns whether the exception is, or wraps, an ObjectDisposedException.</summary>
    public static bool IsDisposed(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is ObjectDisposedException)
                return true;
        }

        return false;
    }

    /// <summary>Asserts that loading a model file throws the exception of exactly this type, within the wrappers that the documentation names.</summary>
    /// <returns>Its message.</returns>
    public static string AssertRefused<TException>(byte[] zip) where TException : MahaModelFileException
        => Assert.IsType<TException>(Unwrap(Assert.Throws<TargetInvocationException>(() => ModelZip.Load(zip)))).Message;

    /// <summary>The exception without the wrappers of reflection, by which ML.NET creates the parts of a model.</summary>
    private static Exception Unwrap(Exception exception)
        => exception is TargetInvocationException { InnerException: { } inner } ? Unwrap(inner) : exception;

    /// <summary>The first cause of an exception.</summary>
    public static Exception Root(Exception exception) => exception.InnerException is { } inner ? Root(inner) : exception;
}
