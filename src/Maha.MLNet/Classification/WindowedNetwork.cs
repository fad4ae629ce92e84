using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.Layers.Training;
using Maha.MLNet.Fitting;
using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.MLNet.Classification;

/// <summary>A pretrained encoder that reads windows of a document, and blocks over the states of all windows.</summary>
internal sealed class WindowedNetwork : ClassifierNetwork
{
    // The states of some thousand windows take a gigabyte. They are read once per epoch, so that a file does as well.
    private const long MaxBytesOfStates = 1L << 28;

    private readonly ModelFitting _fitting;
    private readonly MahaSupervisedOptions _options;
    private readonly PretrainedEncoder _pretrained;
    private readonly PretrainedBlocks? _keptBlocks;

    /// <summary>Starts from an encoder.</summary>
    /// <param name="fitting">The training.</param>
    /// <param name="options">The options.</param>
    /// <param name="pretrained">The encoder, which the network disposes.</param>
    public WindowedNetwork(ModelFitting fitting, MahaSupervisedOptions options, PretrainedEncoder pretrained)
    {
        (_fitting, _options, _pretrained) = (fitting, options, pretrained);
        pretrained.Check(options);
        Model = pretrained.Encoder.Options with { Pooling = options.Pooling, Dropout = options.Dropout };
        var windows = pretrained.WindowsFor(options);
        Windows = windows with { Document = ChooseBlocks(windows, out _keptBlocks) };
        Windows.Validate(Model);
        if (Windows.Document is null && options.ChangedAttentionOptions() is { Count: > 0 } unused)
        {
            fitting.Channel.Warning(
                MessageSensitivity.None,
                $"{string.Join(", ", unused)} must be left out without blocks over the document, but {(unused.Count == 1 ? "is" : "are")} set and has no effect: DocumentLayers is 0. " +
                "Set DocumentLayers to 1 or more, or leave it out.");
        }
    }

    /// <inheritdoc/>
    public override ITextTokenizer Tokenizer => _pretrained.Tokenizer;

    /// <inheritdoc/>
    public override int MaxDocumentTokens => Windows.MaxDocumentTokens;

    /// <inheritdoc/>
    public override MahaTransformerOptions Model { get; }

    /// <inheritdoc/>
    public override WindowedEncoderOptions Windows { get; }

    /// <inheritdoc/>
    public override (nn.Module<Tensor, Tensor?, ModelResult> Network, TrainingResult Result) Train(
        TrainingOptions schedule, ITextDocuments training, ITextDocuments? validating, DocumentLoss loss, bool needsStep)
    {
        _pretrained.WarnOfLanguage(_fitting.Channel, training);
        var network = _fitting.Build(() => new WindowedClassifier(Model, Windows, loss.NumOutputs));
        try
        {
            network.Reader.Load(_pretrained.Encoder.state_dict(), _keptBlocks?.Weights);
            if (loss.FirstLogits(training) is { } logits)
                network.SetOutputBias(logits);
            network.to(_fitting.Device);
            var windows = new TokenWindows(_pretrained.Tokenizer, Windows.WindowLength);
            // The plan depends on the measured speed, so that a training that goes on keeps it.
            var plan = _fitting.Choose(nameof(ReadingPlan), () => ReadingPlan.Choose(_fitting, _options, network.Reader, windows, training, validating));
            _fitting.Channel.Info(MessageSensitivity.None, plan.Describe(_pretrained.Name));
            return (network, Train(network, plan, plan.Apply(schedule, _options), windows, training, validating, loss, needsStep));
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => _pretrained.Dispose();

    // A classifier that starts from another one goes on with its blocks, unless the options ask for others.
    private MahaTransformerOptions? ChooseBlocks(WindowedEncoderOptions windows, out PretrainedBlocks? kept)
    {
        int maxStates = (windows.MaxDocumentTokens / windows.ChunkLength) + 1;
        bool isSet = _options.IsSet(nameof(_options.DocumentLayers));
        var saved = _pretrained.Blocks;
        int layers = isSet ? _options.DocumentLayers : saved?.Options.NumLayers ?? _options.DocumentLayers;
        var asked = layers == 0 ? null : _options.ToModelOptions(Model.VocabSize) with
        {
            DModel = Model.DModel,
            NumHeads = Model.NumHeads,
            FeedForwardDim = Model.FeedForwardDim,
            NumLayers = layers,
            MaxSequenceLength = maxStates,
            Positions = PositionKind.Rotary,
        };
        kept = null;
        if (saved is null)
            return asked;
        var own = saved.Options with { MaxSequenceLength = Math.Max(maxStates, saved.Options.MaxSequenceLength), Dropout = _options.Dropout };
        bool isSame = _options.ChangedAttentionOptions().Count == 0
            || asked?.WithMaxSequenceLength(saved.Options.MaxSequenceLength) == saved.Options with { Dropout = _options.Dropout };
        if (layers == own.NumLayers && isSame)
        {
            kept = saved;
            return own;
        }
        _fitting.Channel.Warning(
            MessageSensitivity.None,
            $"The {saved.Options.NumLayers} blocks over the document of '{_pretrained.Name}' are not used: the options ask for {layers}, or for another attention. " +
            "Leave out DocumentLayers and the options of the attention to go on with them.");
        return asked;
    }

    private TrainingResult Train(
        WindowedClassifier network, ReadingPlan plan, TrainingOptions schedule, TokenWindows windows, ITextDocuments training, ITextDocuments? validating,
        DocumentLoss loss, bool needsStep)
    {
        bool isFrozen = plan.FrozenLayers > 0;
        var segmentLoss = _options.SegmentLossWeight > 0 ? new SegmentLoss(_options.SegmentLossWeight, Windows.WindowLength) : null;
        int? fixedSeed = isFrozen ? _fitting.Seed : null;
        var read = new WindowedDocuments(plan.Sample(training, _fitting.Seed), windows, plan.WindowsPerDocument, fixedSeed);
        var judged = validating is null ? null : new WindowedDocuments(validating, windows, plan.WindowsToValidate, _fitting.Seed);
        if (!isFrozen)
            return _fitting.Train(new WindowedClassificationTask(network, loss, null, segmentLoss: segmentLoss), schedule, read, judged, needsStep);
        network.Reader.Encoder.Freeze(plan.FrozenLayers);
        WindowStates? states = null, judgedStates = null;
        try
        {
            bool isTimeOver = false;
            try
            {
                // Without n-grams there must be a model in the end, so that the time may be exceeded.
                var time = needsStep ? _fitting.CancellationToken : _fitting.Until(1);
                states = Compute(read, time);
                judgedStates = judged is null ? null : Compute(judged, time);
            }
            catch (OperationCanceledException) when (!needsStep && _fitting.IsTimeOver() && !_fitting.CancellationToken.IsCancellationRequested)
            {
                isTimeOver = true;
            }
            if (_fitting.IsTrue(isTimeOver))
                return WithoutTraining(read.Count, judged?.Count ?? 0);
            var task = new WindowedClassificationTask(network, loss, documents => ReferenceEquals(documents, read) ? states! : judgedStates!, segmentLoss: segmentLoss);
            return _fitting.Train(task, schedule, read, judged, needsStep);
        }
        finally
        {
            states?.Dispose();
            judgedStates?.Dispose();
            network.Reader.Encoder.Unfreeze();
        }

        WindowStates Compute(WindowedDocuments documents, CancellationToken token) => WindowStates.Compute(
            network.Reader, documents, plan.FrozenLayers, _fitting.DatasetOptions(MaxDocumentTokens) with { MaxBytesInMemory = MaxBytesOfStates }, progress: null, _fitting.Group, token);
    }

    private TrainingResult WithoutTraining(int numTraining, int numValidating)
    {
        _fitting.Channel.Warning(
            MessageSensitivity.None,
            $"MaxTrainingTime ({_options.MaxTrainingTime}) was over before the frozen layers had read all documents: the network is not trained. " +
            "Give it more time.");
        return new TrainingResult
        {
            Outcome = TrainingOutcome.Canceled,
            Steps = 0,
            Duration = TimeSpan.Zero,
            Epochs = [],
            NumTrainingDocuments = numTraining,
            NumValidationDocuments = numValidating,
        };
    }
}
