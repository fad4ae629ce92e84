namespace Maha.MLNet.Classification;

/// <summary>The probability above which a binary classifier predicts true.</summary>
public enum BinaryThreshold
{
    /// <summary>One half, as is usual in ML.NET: true is predicted if the log odds are positive.</summary>
    Half,

    /// <summary>The probability with the most right predictions for the validation documents.</summary>
    BestAccuracy,

    /// <summary>
    /// The probability with the highest F1 score of true for the validation documents (the harmonic mean of precision and recall). Use it for a rare class that
    /// must be found.
    /// </summary>
    BestF1,
}
