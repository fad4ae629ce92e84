using Maha.Extensions.AI;
using Microsoft.Extensions.AI;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Extends <see cref="IServiceCollection"/> with Maha's embedding generators.</summary>
public static class MahaServiceCollectionExtensions
{
    /// <summary>Adds a generator of embeddings over a saved <c>MahaEncode</c> model as the service <c>IEmbeddingGenerator&lt;string,
    /// Embedding&lt;float&gt;&gt;</c>.</summary>
    /// <remarks>The service is a singleton: the model is loaded at its first use, shared by all threads, and disposed with the container.</remarks>
    /// <param name="services">The services.</param>
    /// <param name="modelPath">The path of the model's zip.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="serviceKey">The key of the service, for applications with several models; null for none.</param>
    /// <returns>The services.</returns>
    /// <exception cref="ArgumentException">The path is empty, or an option is not valid.</exception>
    public static IServiceCollection AddMahaEmbeddingGenerator(
        this IServiceCollection services, string modelPath, MahaEmbeddingGeneratorOptions? options = null, object? serviceKey = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelPath);
        options?.Validate();
        return services.AddMahaEmbeddingGenerator(_ => MahaEmbeddingGenerator.Load(modelPath, options), serviceKey);
    }

    /// <summary>Adds a generator of embeddings that a function creates; see
    /// <see cref="AddMahaEmbeddingGenerator(IServiceCollection, string, MahaEmbeddingGeneratorOptions, object)"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="create">Creates the generator. It is called once.</param>
    /// <param name="serviceKey">The key of the service; null for none.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddMahaEmbeddingGenerator(
        this IServiceCollection services, Func<IServiceProvider, MahaEmbeddingGenerator> create, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(create);
        return serviceKey is null
            ? services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(create)
            : services.AddKeyedSingleton<IEmbeddingGenerator<string, Embedding<float>>>(serviceKey, (provider, _) => create(provider));
    }
}
