using Maha.Layers.Attention;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

// B documents, C classes, E width of a vector

/// <summary>A kind of model whose layers are swapped, and the documents on which its layers are ranked.</summary>
/// <typeparam name="T">The model.</typeparam>
internal sealed record SwapSubject<T> where T : nn.Module
{
    /// <summary>Batches of documents: token ids [B, N] of Int64 and what belongs to them.</summary>
    public required IReadOnlyList<(Tensor TokenIds, MixingContext Context)> Samples { get; init; }

    /// <summary>The encoder of a model.</summary>
    public required Func<T, MahaEncoder> Encoder { get; init; }

    /// <summary>Creates a copy of a model with hierarchical attention in some layers.</summary>
    public required Func<T, IReadOnlyCollection<int>, T> Swap { get; init; }

    /// <summary>Computes the outputs of a model for a batch: logits [B, C] or vectors [B, E].</summary>
    public required Func<T, Tensor, MixingContext, Tensor> Outputs { get; init; }

    /// <summary>
    /// Returns a batch as the encoder reads it: its windows for an encoder of windows.
    /// </summary>
    /// <value>The batch itself.</value>
    public Func<T, Tensor, MixingContext, (Tensor TokenIds, MixingContext Context)> EncoderInput { get; init; } = (_, tokenIds, context) => (tokenIds, context);

    /// <summary>Sums a distance between the outputs of two models over the documents of a batch.</summary>
    /// <value>KL(first || second) of the class probabilities, in nats.</value>
    public Func<Tensor, Tensor, double> Distance { get; init; } = SwapDistance.OfClasses;
}

/// <summary>Distances between the outputs of two models.</summary>
internal static class SwapDistance
{
    /// <summary>The sum over the documents of KL(first || second) of the class probabilities, in nats.</summary>
    /// <param name="first">Logits [B, C].</param>
    /// <param name="second">Logits [B, C].</param>
    public static double OfClasses(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        var (p, q) = (nn.functional.log_softmax(first.to(ScalarType.Float64), 1), nn.functional.log_softmax(second.to(ScalarType.Float64), 1));
        return (p.exp() * (p - q)).sum().item<double>();
    }

    /// <summary>The sum over the documents of 1 minus the cosine of two vectors.</summary>
    /// <param name="first">[B, E].</param>
    /// <param name="second">[B, E].</param>
    public static double OfVectors(Tensor first, Tensor second)
    {
        using var scope = NewDisposeScope();
        var (p, q) = (first.to(ScalarType.Float64), second.to(ScalarType.Float64));
        return (1 - nn.functional.cosine_similarity(p, q, 1, 1e-12)).sum().item<double>();
    }
}
