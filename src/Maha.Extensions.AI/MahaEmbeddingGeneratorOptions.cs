namespace Maha.Extensions.AI;

/// <summary>The options of a <see cref="MahaEmbeddingGenerator"/>.</summary>
public sealed record MahaEmbeddingGeneratorOptions
{
    /// <summary>The name of the model, which the metadata and the embeddings have. A request for another model is refused.</summary>
    /// <value><c>maha-encode</c>. Not empty.</value>
    public string ModelId { get; init; } = "maha-encode";

    /// <summary>The most texts that are encoded together. A cancellation is noticed between two batches.</summary>
    /// <value>32. From 1 to 65,536.</value>
    public int BatchSize { get; init; } = 32;

    /// <summary>Whether the generator disposes the encoder with itself.</summary>
    /// <value>True. False where several generators or views share the encoder.</value>
    public bool OwnsEncoder { get; init; } = true;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(ModelId);
        if (BatchSize is < 1 or > 65536)
            throw new ArgumentOutOfRangeException(nameof(BatchSize), BatchSize, $"BatchSize must lie in [1, 65536], but is {BatchSize}. 32 is usual.");
    }
}
