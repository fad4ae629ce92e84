using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>A transformer over all tokens of a document, from random weights or from those of a saved Maha model.</summary>
internal sealed class TransformerNetwork : ClassifierNetwork
{
    private readonly ModelFitting _fitting;
    private readonly PretrainedFile? _pretrained;
    private readonly MahaSupervisedOptions _options;
    private readonly ByteLevelBpeTokenizer _tokenizer;

    /// <summary>Starts from random weights.</summary>
    /// <param name="fitting">The training.</param>
    /// <param name="options">The options.</param>
    /// <param name="texts">The texts of which the vocabulary is learned.</param>
    public TransformerNetwork(ModelFitting fitting, MahaSupervisedOptions options, IEnumerable<string> texts)
    {
        (_fitting, _options) = (fitting, options);
        WarnOfDocumentLayers(options);
        _tokenizer = fitting.TrainTokenizer(texts);
        MaxDocumentTokens = options.MaxSequenceLength;
        Model = ModelFitting.WithTokenParts(SupervisedOptions.ModelOptionsOf(options, _tokenizer.VocabSize), _tokenizer);
    }

    /// <summary>Starts from a saved model.</summary>
    /// <param name="fitting">The training.</param>
    /// <param name="options">The options.</param>
    /// <param name="pretrained">The saved model, which the network disposes.</param>
    public TransformerNetwork(ModelFitting fitting, MahaSupervisedOptions options, PretrainedFile pretrained)
    {
        (_fitting, _options) = (fitting, options);
        WarnOfDocumentLayers(options);
        _pretrained = pretrained;
        _tokenizer = pretrained.Tokenizer;
        pretrained.Check(options);
        MaxDocumentTokens = pretrained.MaxSequenceLengthFor(options);
        Model = pretrained.ModelFor(MaxDocumentTokens) with { Pooling = options.Pooling, Dropout = options.Dropout };
    }

    /// <inheritdoc/>
    public override ITextTokenizer Tokenizer => _tokenizer;

    /// <inheritdoc/>
    public override int MaxDocumentTokens { get; }

    /// <inheritdoc/>
    public override MahaTransformerOptions Model { get; }

    /// <inheritdoc/>
    public override (nn.Module<Tensor, Tensor?, ModelResult> Network, TrainingResult Result) Train(
        TrainingOptions schedule, ITextDocuments training, ITextDocuments? validating, DocumentLoss loss, bool needsStep)
    {
        schedule = TransformerSchedule.Apply(schedule, _options, training, Model, _fitting.Device.type);
        var network = _fitting.Build(() => new MahaSequenceClassifier(Model, loss.NumOutputs));
        try
        {
            _pretrained?.CopyTo(network.Encoder, network.Pooling);
            if (loss.FirstLogits(training) is { } logits)
                network.SetOutputBias(logits);
            var segments = _options.SegmentLossWeight > 0 ? new SegmentLoss(_options.SegmentLossWeight) : null;
            return (network, _fitting.Train(new SequenceClassificationTask(network, loss, segments), schedule, training, validating, needsStep));
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private void WarnOfDocumentLayers(MahaSupervisedOptions options)
    {
        if (options.DocumentLayers > 0)
        {
            _fitting.Channel.Warning(
                MessageSensitivity.None,
                $"DocumentLayers must be 0 without pretrained weights in BERT layout, but is {options.DocumentLayers} and has no effect: all blocks read the whole document. " +
                "Set NumLayers, or PretrainedModel.");
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _pretrained?.Dispose();
}
