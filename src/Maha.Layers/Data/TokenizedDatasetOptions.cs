using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>How documents become a <see cref="TokenizedDataset"/>.</summary>
public sealed record TokenizedDatasetOptions
{
    /// <summary>The most tokens a document may have.</summary>
    /// <value>Null, the default: no limit. At least 1; 2 with <see cref="OverlongDocuments.KeepStartAndEnd"/>.</value>
    public int? MaxDocumentTokens { get; init; }

    /// <summary>What happens to a longer document. Ignored without <see cref="MaxDocumentTokens"/>.</summary>
    /// <value><see cref="OverlongDocuments.KeepStart"/>.</value>
    public OverlongDocuments OverlongDocuments { get; init; } = OverlongDocuments.KeepStart;

    /// <summary>Token ids (4 bytes each) beyond this many bytes go to a temporary file, and those before them too.</summary>
    /// <value>1 GiB: 268 million tokens. At least 0; 0 keeps all in the file.</value>
    public long MaxBytesInMemory { get; init; } = 1L << 30;

    /// <summary>The folder of the temporary file. It is used only where ids go to a file, and must exist then.</summary>
    /// <value>Null, the default: the system's folder of temporary files.</value>
    public string? TemporaryDirectory { get; init; }

    /// <summary>Threads that tokenize. The data set doesn't depend on it.</summary>
    /// <value>Default 0: one for each processor.</value>
    public int NumThreads { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message says the rule, the value and the remedy.</exception>
    public void Validate()
    {
        TensorChecks.Known(OverlongDocuments, nameof(OverlongDocuments));
        if (MaxDocumentTokens is int limit)
            TensorChecks.InRange(limit, OverlongDocuments == OverlongDocuments.KeepStartAndEnd ? 2 : 1, int.MaxValue, nameof(MaxDocumentTokens), "Leave it null for no limit.");
        TensorChecks.InRange(MaxBytesInMemory, 0, long.MaxValue, nameof(MaxBytesInMemory), "Use 0 to keep all ids in the temporary file.");
        TensorChecks.InRange(NumThreads, 0, 1 << 12, nameof(NumThreads), "Use 0 for one thread a processor.");
    }
}
