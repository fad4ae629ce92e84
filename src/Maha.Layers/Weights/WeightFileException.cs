namespace Maha.Layers.Weights;

/// <summary>A weight file is broken, hostile, or not for the model it is loaded into. The message says the rule, the values and the remedy.</summary>
public sealed class WeightFileException : FormatException
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">The rule, the values and the remedy.</param>
    public WeightFileException(string message) : base(message)
    {
    }

    /// <summary>Makes the exception with its cause.</summary>
    /// <param name="message">The rule, the values and the remedy.</param>
    /// <param name="innerException">The cause.</param>
    public WeightFileException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
