namespace Maha.Layers.Core;

/// <summary>The range of a numeric option, with the sentence that an error message ends with.</summary>
/// <param name="least">The smallest valid value.</param>
/// <param name="most">The largest valid value.</param>
/// <param name="remedy">What to use instead of a value outside the range.</param>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class OptionRangeAttribute(double least, double most, string remedy) : Attribute
{
    /// <summary>The smallest valid value.</summary>
    public double Least { get; } = least;

    /// <summary>The largest valid value.</summary>
    public double Most { get; } = most;

    /// <summary>The end of the error message.</summary>
    public string Remedy { get; } = remedy;
}
