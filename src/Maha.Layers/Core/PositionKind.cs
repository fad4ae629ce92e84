namespace Maha.Layers.Core;

/// <summary>The way a model represents the positions of tokens.</summary>
public enum PositionKind
{
    /// <summary>A learned vector per position is added to the embedding. The length is limited to MaxSequenceLength.</summary>
    Learned,

    /// <summary>
    /// Queries and keys are rotated by their position, at each scale; a coarse token has the position of the center of its cell. The length is not limited.
    /// </summary>
    Rotary,

    /// <summary>The model has no position information except that of convolutions and windows. The length is not limited.</summary>
    None,
}
