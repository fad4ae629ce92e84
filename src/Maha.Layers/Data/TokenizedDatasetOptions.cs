using Maha.Layers.Core;

namespace Maha.Layers.Data;

/// <summary>Options of <see cref="TokenizedDataset"/>.</summary>
public sealed record TokenizedDatasetOptions
{
    /// <summary>The maximum number of tokens of a document.</summary>
    /// <value>Default: null, no limit. At least 1; at least 2 with <see cref="OverlongDocuments.KeepStartAndEnd"/>.</value>
    public int? MaxDocumentTokens { get; init; }

    /// <summary>What happens to a document with more than <see cref="MaxDocumentTokens"/> tokens.</summary>
    /// <value>Default: <see cref="OverlongDocuments.KeepStart"/>.</value>
    public OverlongDocuments OverlongDocuments { get; init; } = OverlongDocuments.KeepStart;

    /// <summary>The maximum size of the token ids in memory, in bytes; a token id takes 4. Where there are more, all of them go to a temporary file.</summary>
    /// <value>Default: 1 GiB, which is 268 million tokens. At least 0; 0 keeps all token ids in the file.</value>
    public long MaxBytesInMemory { get; init; } = 1L << 30;

    /// <summary>The folder of the temporary file. It must exist when token ids go to a file.</summary>
    /// <value>Default: null, the system's folder for temporary files.</value>
    public string? TemporaryDirectory { get; init; }

    /// <summary>The number of threads that tokenize. The result does not depend on it.</summary>
    /// <value>Default: 0, one thread per processor. At most 4,096.</value>
    public int NumThreads { get; init; }

    /// <summary>Whether the texts of the documents are kept beside their token ids, under a limit of <see cref="MaxBytesInMemory"/> of their own.</summary>
    internal bool KeepTexts { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of range. The message states the rule, the value and the remedy.</exception>
    public void Validate()
    {
        TensorChecks.Known(OverlongDocuments, nameof(OverlongDocuments));
        int least = OverlongDocuments == OverlongDocuments.KeepStartAndEnd ? 2 : 1;
        if (MaxDocumentTokens is int limit)
            TensorChecks.InRange(limit, least, int.MaxValue, nameof(MaxDocumentTokens), "Use null for no limit.");
        TensorChecks.InRange(MaxBytesInMemory, 0, long.MaxValue, nameof(MaxBytesInMemory), "Use 0 to keep all ids in the temporary file.");
        TensorChecks.InRange(NumThreads, 0, 1 << 12, nameof(NumThreads), "Use 0 for one thread per processor.");
    }
}
