using Maha.Layers.Attention;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Swap;

// B batch, N length

/// <summary>Swaps layers of the encoder of a classifier that reads windows. Everything else is as <see cref="HsaConversion"/> does it.</summary>
internal static class WindowedConversion
{
    /// <summary>A classifier that reads windows, with the weights of another and hierarchical attention in some layers of the encoder of the windows.</summary>
    /// <param name="classifier">The classifier.</param>
    /// <param name="layers">The layers to swap, 0 the first. They must have standard attention.</param>
    /// <param name="options">The trees and the length of the windows.</param>
    /// <returns>A new classifier on the same device, in evaluation mode.</returns>
    /// <exception cref="ArgumentException">A layer is not there or has another attention, or the options don't suit the classifier.</exception>
    public static WindowedClassifier Swap(WindowedClassifier classifier, IReadOnlyCollection<int> layers, HsaConversionOptions options)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        int numClasses = (int)classifier.state_dict()["head.weight"].shape[0];
        var encoder = ConvertedModel.OptionsOf(classifier.Reader.Encoder.Options, layers, options);
        var windows = ConvertedModel.WindowsOf(classifier.Reader.Options, options);
        return ConvertedModel.CopyWeights(classifier, () => new WindowedClassifier(encoder, windows, numClasses), options.InterpolatePositions);
    }

    /// <summary>Swaps one layer after the other of the encoder of the windows.</summary>
    /// <param name="classifier">A trained classifier that reads windows.</param>
    /// <param name="samples">Batches of a few documents to measure on: token ids [B, N] of framed windows, and their padding masks.</param>
    /// <param name="evaluate">The accuracy, or whatever tells how good a model is. The model is disposed afterwards.</param>
    /// <param name="options">The trees.</param>
    /// <param name="numLayers">How many layers to swap at most; all where it is null.</param>
    /// <returns>A row for no swapped layer, and one for every swap. The operations are those of the encoder of the windows.</returns>
    /// <exception cref="ArgumentException">The samples or the options are not valid.</exception>
    public static IReadOnlyList<SwapStep> SwapInOrder(
        WindowedClassifier classifier, IReadOnlyList<(Tensor TokenIds, MixingContext Context)> samples, Func<WindowedClassifier, double> evaluate,
        HsaConversionOptions options, int? numLayers = null)
    {
        ArgumentNullException.ThrowIfNull(classifier);
        ArgumentNullException.ThrowIfNull(evaluate);
        var subject = new SwapSubject<WindowedClassifier>
        {
            Samples = samples,
            Encoder = model => model.Reader.Encoder,
            Swap = (model, layers) => Swap(model, layers, options),
            Outputs = (model, tokenIds, context) => model.call(tokenIds, context.KeyPaddingMask).Logits,
            EncoderInput = (model, tokenIds, context) => model.Reader.WindowsOf(tokenIds, context.KeyPaddingMask),
        };
        return new LayerOrder<WindowedClassifier>(subject, options).Run(classifier, evaluate, numLayers);
    }
}
