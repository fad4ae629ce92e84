namespace Maha.Layers.Core;

/// <summary>
/// The uses of a seed. Each has random numbers of its own, so that more draws for one of them change nothing in the others.
/// </summary>
/// <remarks>The values are part of every reproducible result: a changed value gives other batches, splits and weights.</remarks>
internal enum SeedPurpose
{
    /// <summary>The order of the documents of an epoch.</summary>
    DocumentOrder = 1,

    /// <summary>The order of the batches of an epoch.</summary>
    BatchOrder = 2,

    /// <summary>The choice of the validation documents.</summary>
    ValidationSplit = 3,

    /// <summary>The draws of a task in validation.</summary>
    ValidationDraws = 4,

    /// <summary>The draws of a task in training.</summary>
    TrainingDraws = 5,

    /// <summary>Dropout.</summary>
    Dropout = 6,

    /// <summary>The tokens of a generated text.</summary>
    TokenSampling = 7,

    /// <summary>The positions of the pieces of a long document.</summary>
    ChunkPositions = 11,

    /// <summary>The windows of a long document that a training reads.</summary>
    DocumentWindows = 12,

    /// <summary>The start of a randomized matrix decomposition.</summary>
    RandomProjection = 0x5EC7,
}
