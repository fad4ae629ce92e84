namespace Maha.Layers.Distributed;

/// <summary>An exchange between processes failed, or a library for it is missing or of another kind.</summary>
/// <param name="message">The rule, the values and the remedy.</param>
/// <param name="inner">The cause; null if there is none.</param>
internal sealed class DistributedException(string message, Exception? inner = null) : InvalidOperationException(message, inner);
