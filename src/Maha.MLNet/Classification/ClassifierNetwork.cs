using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>The network of a classifier before its training: its tokenizer, its shape, and how it learns.</summary>
internal abstract class ClassifierNetwork : IDisposable
{
    /// <summary>The tokenizer whose ids the network reads.</summary>
    public abstract ITextTokenizer Tokenizer { get; }

    /// <summary>The most tokens of a document that are read.</summary>
    public abstract int MaxDocumentTokens { get; }

    /// <summary>The shape of the transformer.</summary>
    public abstract MahaTransformerOptions Model { get; }

    /// <summary>The windows in which documents are read; null if they are read whole.</summary>
    public virtual WindowedEncoderOptions? Windows => null;

    /// <summary>Chooses the network that options ask for.</summary>
    /// <param name="fitting">The training.</param>
    /// <param name="options">The options.</param>
    /// <param name="texts">The training texts, of which a network without pretrained weights learns its vocabulary.</param>
    public static ClassifierNetwork Create(ModelFitting fitting, MahaSupervisedOptions options, IEnumerable<string> texts)
    {
        if (options.PretrainedModel is null)
            return new TransformerNetwork(fitting, options, texts);
        var pretrained = PretrainedStart.Open(options.PretrainedModel);
        try
        {
            return pretrained.Encoder is { } encoder
                ? new WindowedNetwork(fitting, options, encoder)
                : new TransformerNetwork(fitting, options, pretrained.File!);
        }
        catch
        {
            pretrained.Dispose();
            throw;
        }
    }

    /// <summary>Builds the network and trains it.</summary>
    /// <param name="schedule">The training options, with the number of epochs that the options name.</param>
    /// <param name="training">The documents to learn from.</param>
    /// <param name="validating">The documents to judge by; null for none.</param>
    /// <param name="loss">The loss of documents.</param>
    /// <param name="needsStep">Whether there must be a step, even where the time is over.</param>
    /// <returns>The network, which the caller disposes, and the history of its training.</returns>
    public abstract (nn.Module<Tensor, Tensor?, ModelResult> Network, TrainingResult Result) Train(
        TrainingOptions schedule, ITextDocuments training, ITextDocuments? validating, DocumentLoss loss, bool needsStep);

    /// <summary>Frees what the training started from.</summary>
    public abstract void Dispose();
}
