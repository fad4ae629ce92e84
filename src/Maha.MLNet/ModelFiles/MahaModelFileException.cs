namespace Maha.MLNet.ModelFiles;

/// <summary>The exception that is thrown when a model file is damaged, or holds something other than the model that is expected.</summary>
/// <remarks>
/// <c>mlContext.Model.LoadSafely</c> throws it, and so does <c>Fit</c> for a file that <c>PretrainedModel</c> names. <c>mlContext.Model.Load</c> throws it
/// wrapped in a <see cref="System.Reflection.TargetInvocationException"/>, and in another one for every chain around the transformer. For a file of a newer
/// version of the package it is a <see cref="MahaModelVersionException"/>.
/// </remarks>
public class MahaModelFileException : FormatException
{
    internal MahaModelFileException(string message, Exception? innerException = null) : base(message, innerException)
    {
    }

    /// <summary>Creates the exception for damage.</summary>
    /// <param name="rule">The rule that the file breaks, as a sentence.</param>
    /// <param name="innerException">The cause, if there is one.</param>
    internal static MahaModelFileException Damaged(string rule, Exception? innerException = null)
        => new($"{rule} The file is damaged: save the model again.", innerException);
}
