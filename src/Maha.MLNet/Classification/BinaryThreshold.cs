namespace Maha.MLNet.Classification;

/// <summary>From which probability on a binary classifier predicts true.</summary>
public enum BinaryThreshold
{
    /// <summary>Above one half, the convention of ML.NET: where the log odds are positive.</summary>
    Half,

    /// <summary>Above the probability that predicts most validation documents rightly.</summary>
    BestAccuracy,

    /// <summary>
    /// Above the probability with the highest F1 score of true on the validation documents (the harmonic mean of precision and
    /// recall): for a class that is rare and wanted.
    /// </summary>
    BestF1,
}
