using Maha.Layers.Models;
using Maha.Layers.Text;

namespace Maha.MLNet.Fitting;

/// <summary>An encoder in BERT layout from which a training starts: it reads windows of a document.</summary>
/// <param name="Name">The name of the weights in messages.</param>
/// <param name="Encoder">The encoder, which this object owns.</param>
/// <param name="Tokenizer">The tokenizer with which the weights were trained.</param>
internal sealed record PretrainedEncoder(string Name, MahaEncoder Encoder, WordPieceTokenizer Tokenizer) : IDisposable
{
    /// <summary>Checks that the options of the architecture are left at their defaults: the weights decide them.</summary>
    /// <exception cref="ArgumentException">An option has another value.</exception>
    public void Check(MahaEstimatorOptions options)
    {
        var own = Encoder.Options;
        var defaults = (MahaEstimatorOptions)Activator.CreateInstance(options.GetType())!;
        Check(nameof(options.DModel), options.DModel, defaults.DModel, own.DModel);
        Check(nameof(options.NumHeads), options.NumHeads, defaults.NumHeads, own.NumHeads);
        Check(nameof(options.NumLayers), options.NumLayers, defaults.NumLayers, own.NumLayers);
        Check(nameof(options.FeedForwardDim), options.FeedForwardDim, defaults.FeedForwardDim, own.FeedForwardDim);
        Check(nameof(options.VocabSize), options.VocabSize, defaults.VocabSize, own.VocabSize);
        Check(nameof(options.Positions), options.Positions, defaults.Positions, own.Positions);
    }

    /// <summary>Frees the encoder.</summary>
    public void Dispose() => Encoder.Dispose();

    private void Check<T>(string option, T value, T defaultValue, T ownValue)
    {
        var comparer = EqualityComparer<T>.Default;
        if (!comparer.Equals(value, defaultValue) && !comparer.Equals(value, ownValue))
        {
            throw new ArgumentException(
                $"{option} must be left out or be that of the pretrained encoder '{Name}', {ownValue}, but is {value}. " +
                "A pretrained encoder keeps its architecture; for another one, train from random weights.", option);
        }
    }
}
