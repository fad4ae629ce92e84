namespace Maha.Layers.Swap;

/// <summary>The vectors of positions after the last one that an encoder with learned positions was trained on.</summary>
public enum PositionExtension
{
    /// <summary>
    /// The positions start again: with P trained positions, token i has the vector of position i mod P. Documents of up to P tokens are read as before.
    /// </summary>
    Repeat,

    /// <summary>
    /// The trained positions are stretched over the new length: the vectors between two of them are interpolated linearly. Positions change in short documents,
    /// too.
    /// </summary>
    Interpolate,
}
