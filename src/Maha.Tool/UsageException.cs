namespace Maha.Tool;

/// <summary>Arguments that do not fit each other or the files that they name.</summary>
/// <param name="message">The rule, the values and the remedy.</param>
internal sealed class UsageException(string message) : Exception(message);
