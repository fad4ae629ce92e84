namespace Maha.Layers.Core;

/// <summary>How a model knows where a token stands.</summary>
public enum PositionKind
{
    /// <summary>A learned vector per position, added to the embedding; bounds the length by MaxSequenceLength.</summary>
    Learned,

    /// <summary>Queries and keys are rotated by their position, per scale: a coarse token stands at the center of its cell. No bound on the length.</summary>
    Rotary,

    /// <summary>None beside what convolutions and windows give. No bound on the length.</summary>
    None,
}
