namespace Maha.Layers.Weights;

/// <summary>The exception that is thrown when a weight file is damaged, or does not fit the model that it is loaded into.</summary>
public sealed class WeightFileException : FormatException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">The message: the rule, the values and the remedy.</param>
    public WeightFileException(string message) : base(message)
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    /// <param name="message">The message: the rule, the values and the remedy.</param>
    /// <param name="innerException">The cause.</param>
    public WeightFileException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
