namespace Maha.Layers.Core;

/// <summary>TorchSharp's native library could not be loaded; the message says why and what to do.</summary>
/// <remarks>Thrown before anything is computed, and again by every later call: what could not be loaded once is not tried again in the same process.</remarks>
public sealed class TorchUnavailableException : Exception
{
    /// <summary>An exception with a message.</summary>
    /// <param name="message">The cause and the remedy.</param>
    public TorchUnavailableException(string message) : base(message)
    {
    }

    /// <summary>An exception with a message and what led to it.</summary>
    /// <param name="message">The cause and the remedy.</param>
    /// <param name="innerException">What the system's loader said.</param>
    public TorchUnavailableException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
