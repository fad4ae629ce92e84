namespace Maha.MLNet;

/// <summary>Whether a training is divided among processes that were started together.</summary>
public enum DistributedTraining
{
    /// <summary>This process trains alone, whatever started it.</summary>
    Off,

    /// <summary>
    /// The processes that <c>mpirun</c>, or a program that sets MASTER_ADDR, MASTER_PORT, RANK and WORLD_SIZE, started together train one model: each
    /// computes the gradients of its share of the documents. A process that was started alone trains alone.
    /// </summary>
    Auto,
}
