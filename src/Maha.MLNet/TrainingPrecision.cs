namespace Maha.MLNet;

/// <summary>The precision of the numbers that a network computes with during its training.</summary>
/// <remarks>
/// The weights and the states of the optimizer are Float32 in every case, as are norms, softmax and losses where they are computed. So is the network of a
/// trained model.
/// </remarks>
public enum TrainingPrecision
{
    /// <summary><see cref="BFloat16"/> on a GPU of compute capability 8.0 or later (Ampere), <see cref="Float32"/> on other GPUs and on processors.</summary>
    Auto,

    /// <summary>32 bits, about seven decimal digits.</summary>
    Float32,

    /// <summary>
    /// 16 bits with the range of Float32 and about three decimal digits (bfloat16, mixed precision). On a GPU that computes in it, a language model of 512
    /// channels trains four times as fast as in Float32; a network of 128 channels hardly gains. Slow on most processors.
    /// </summary>
    BFloat16,
}
