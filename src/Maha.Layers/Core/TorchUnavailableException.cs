namespace Maha.Layers.Core;

/// <summary>The exception that is thrown when TorchSharp's native library can't be loaded; the message gives the cause and the remedy.</summary>
/// <remarks>It is thrown before anything is computed, and again by every later call: loading is not tried again in the same process.</remarks>
public sealed class TorchUnavailableException : Exception
{
    /// <summary>Creates an exception with a message.</summary>
    /// <param name="message">The cause and the remedy.</param>
    public TorchUnavailableException(string message) : base(message)
    {
    }

    /// <summary>Creates an exception with a message and the exception that caused it.</summary>
    /// <param name="message">The cause and the remedy.</param>
    /// <param name="innerException">The exception of the system's loader.</param>
    public TorchUnavailableException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
