namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>The use of a file of documents.</summary>
internal enum TaskPart
{
    /// <summary>Documents to train on.</summary>
    Train,

    /// <summary>Documents to test on; their prose comes from other sources than the prose of the training documents.</summary>
    Test,
}
