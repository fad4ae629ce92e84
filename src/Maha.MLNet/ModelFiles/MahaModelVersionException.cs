namespace Maha.MLNet.ModelFiles;

/// <summary>The exception that is thrown when a newer version of the package wrote a model file, in a format that this version does not read.</summary>
/// <remarks>The remedy is to update the package, or to save the model with the older version.</remarks>
public sealed class MahaModelVersionException : MahaModelFileException
{
    private const string Remedy = "Update the package Maha.MLNet, or save the model with the older version.";

    internal MahaModelVersionException(string problem, Exception? innerException = null) : base($"{problem} {Remedy}", innerException) => Problem = problem;

    /// <summary>The message without the remedy.</summary>
    internal string Problem { get; }
}
