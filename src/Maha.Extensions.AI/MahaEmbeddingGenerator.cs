using Maha.MLNet.Schema;
using Maha.MLNet.TextEncoding;
using Microsoft.Extensions.AI;
using Microsoft.ML;

namespace Maha.Extensions.AI;

/// <summary>Computes the embeddings of whole documents of any length with a trained <c>MahaEncode</c> model.</summary>
/// <remarks>
/// <para>The embeddings are the vectors of <see cref="MahaTextEncodingTransformer"/>. All methods may be called from many threads at once, and share the
/// weights. More calls at a time than the machine has cores add waiting time, not speed. The work runs on the thread pool, not on the caller's thread.</para>
/// <para><see cref="EmbeddingGenerationOptions.Dimensions"/> and <see cref="EmbeddingGenerationOptions.ModelId"/> must be those of the model, or null. Other
/// options are not used.</para>
/// </remarks>
public sealed class MahaEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly MahaTextEncodingTransformer _encoder;
    private readonly MahaEmbeddingGeneratorOptions _options;
    private readonly IDisposable _owner;
    private readonly Lock _lock = new();
    private int _calls;
    private bool _isDisposed;

    /// <summary>Creates a generator over an encoder.</summary>
    /// <param name="encoder">The encoder.</param>
    /// <param name="options">The options; null for the defaults, with which the generator disposes the encoder.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public MahaEmbeddingGenerator(MahaTextEncodingTransformer encoder, MahaEmbeddingGeneratorOptions? options = null) : this(encoder, encoder, options)
    {
    }

    private MahaEmbeddingGenerator(MahaTextEncodingTransformer encoder, IDisposable owner, MahaEmbeddingGeneratorOptions? options)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        _options = options ?? new MahaEmbeddingGeneratorOptions();
        _options.Validate();
        (_encoder, _owner) = (encoder, owner);
        Metadata = new EmbeddingGeneratorMetadata("maha", providerUri: null, _options.ModelId, encoder.VectorSize);
    }

    /// <summary>The provider, the model's name and the width of its vectors.</summary>
    public EmbeddingGeneratorMetadata Metadata { get; }

    /// <summary>Loads a model that <c>mlContext.Model.SaveSafely</c> or <c>mlContext.Model.Save</c> wrote.</summary>
    /// <remarks>
    /// Of a chain, the generator uses the encoder alone. So the others of its transformers must change neither the text that the encoder reads nor its vector;
    /// they may copy the text from another column, and write other columns. Otherwise save the encoder alone, and apply the other steps yourself.
    /// </remarks>
    /// <param name="path">The path of the zip: an encoder, or a chain with exactly one.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is not valid, the model does not contain exactly one encoder, or another transformer of the chain changes
    /// its text or vector.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    /// <exception cref="InvalidDataException">The file is not a model, or is damaged.</exception>
    public static MahaEmbeddingGenerator Load(string path, MahaEmbeddingGeneratorOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var model = new MLContext().Model.LoadSafely(path, out var inputSchema);
        MahaTextEncodingTransformer[] encoders = [.. ModelChain.Flatten(model).OfType<MahaTextEncodingTransformer>()];
        try
        {
            if (encoders.Length != 1)
            {
                throw new ArgumentException(
                    $"The model must contain exactly one transformer of MahaEncode, but '{path}' contains {encoders.Length}. Save the encoder alone.",
                    nameof(path));
            }
            var columns = encoders[0].Encoder.Manifest.Columns;
            ModelChain.RequireUnchanged(model, encoders[0], columns.Input, [columns.Output], inputSchema, nameof(path));
            var owning = (options ?? new MahaEmbeddingGeneratorOptions()) with { OwnsEncoder = true };
            return new MahaEmbeddingGenerator(encoders[0], model as IDisposable ?? encoders[0], owning);
        }
        catch
        {
            (model as IDisposable)?.Dispose();
            throw;
        }
    }

    /// <summary>Computes the embeddings of texts.</summary>
    /// <param name="values">The texts. An empty text has the embedding of a document without tokens.</param>
    /// <param name="options">Null, or options with the dimensions and the name of this model.</param>
    /// <param name="cancellationToken">Ends the work between two batches with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The embeddings in the order of the texts. Their usage counts the token ids that the encoder reads, special tokens included.</returns>
    /// <exception cref="ArgumentException">A text is null, or the options name another model or another number of dimensions.</exception>
    /// <exception cref="ObjectDisposedException">The generator or its encoder was disposed.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        Check(options);
        string[] texts = [.. values];
        int missing = Array.IndexOf(texts, null);
        if (missing >= 0)
            throw new ArgumentException($"values must hold texts, but text {missing} is null. Leave it out, or give an empty text.", nameof(values));
        // Here, so that a call that waits for a thread counts, too.
        Enter();
        return RunAsync(texts, cancellationToken);
    }

    /// <summary>Returns the generator's metadata, the generator or its encoder.</summary>
    /// <param name="serviceType">The type.</param>
    /// <param name="serviceKey">Null; there are no services with keys.</param>
    /// <returns>The object, or null if there is none of the type.</returns>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : serviceType.IsInstanceOfType(this) ? this
            : serviceType.IsInstanceOfType(_encoder) ? _encoder
            : null;
    }

    /// <summary>Ends the use of the generator, and frees its encoder if it owns it: at once, or when the last of the calls that were begun ends.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            if (_calls > 0)
                return;
        }
        Free();
    }

    private void Enter()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            _calls++;
        }
    }

    private void Leave()
    {
        lock (_lock)
        {
            _calls--;
            if (!_isDisposed || _calls > 0)
                return;
        }
        Free();
    }

    private void Free()
    {
        if (_options.OwnsEncoder)
            _owner.Dispose();
    }

    private async Task<GeneratedEmbeddings<Embedding<float>>> RunAsync(string[] texts, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => Generate(texts, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Leave();
        }
    }

    private GeneratedEmbeddings<Embedding<float>> Generate(string[] texts, CancellationToken cancellationToken)
    {
        var results = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
        var created = DateTimeOffset.UtcNow;
        long numTokens = 0;
        foreach (string[] batch in texts.Chunk(_options.BatchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[][] vectors = _encoder.Encoder.Vectors(Array.ConvertAll(batch, text => text.AsMemory()), out int[] tokens);
            numTokens += tokens.Sum(count => (long)count);
            results.AddRange(vectors.Select(vector => new Embedding<float>(vector) { ModelId = _options.ModelId, CreatedAt = created }));
        }
        results.Usage = new UsageDetails { InputTokenCount = numTokens, TotalTokenCount = numTokens };
        return results;
    }

    private void Check(EmbeddingGenerationOptions? options)
    {
        if (options?.Dimensions is { } dimensions && dimensions != _encoder.VectorSize)
        {
            throw new ArgumentException(
                $"Dimensions must be {_encoder.VectorSize}, the width of this model's vectors, but is {dimensions}. Leave it null, or train a model with " +
                "another width.", nameof(options));
        }
        if (options?.ModelId is { } modelId && modelId != _options.ModelId)
        {
            throw new ArgumentException(
                $"ModelId must be '{_options.ModelId}', the name of this generator's model, but is '{modelId}'. Leave it null, or use the " +
                "generator of that model.", nameof(options));
        }
    }
}
