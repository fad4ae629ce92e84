using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, N length

/// <summary>Trains a language model to tell the next token.</summary>
/// <remarks>
/// Loss = the mean of -ln p(token | tokens before it in its row) over all tokens but the first of each row, with label smoothing, plus the model's auxiliary loss.
/// Validation reports the loss alone; its exponential is the perplexity per token. Give it <see cref="PackedContexts"/>, so that rows have one length and texts their ends.
/// </remarks>
public sealed class LanguageModelingTask : ITrainingTask
{
    private readonly MahaLanguageModel _model;
    private double _labelSmoothing;

    /// <summary>A task for a language model.</summary>
    /// <param name="model">What is trained.</param>
    public LanguageModelingTask(MahaLanguageModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <inheritdoc/>
    public nn.Module Module => _model;

    /// <inheritdoc/>
    public bool Reports(ValidationMetric metric) => metric == ValidationMetric.Loss;

    /// <inheritdoc/>
    public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(trainingDocuments);
        if (options.ClassWeighting != ClassWeighting.None)
            throw new ArgumentException($"ClassWeighting must be None for a language model, which knows no classes, but is {options.ClassWeighting}.", nameof(options));
        if (Enumerable.Range(0, trainingDocuments.Count).All(row => trainingDocuments.LengthOf(row) < 2))
            throw new ArgumentException("trainingDocuments must hold a document of at least two tokens, since the first is not predicted, but hold none. Pack the documents with PackedContexts.", nameof(trainingDocuments));
        _labelSmoothing = options.LabelSmoothing;
    }

    /// <inheritdoc/>
    public TaskLoss Loss(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var loss = _model.Loss(batch.TokenIds, batch.KeyPaddingMask, _labelSmoothing);
        return new TaskLoss(loss.Count == 0 ? loss.Mean : loss.Mean + loss.AuxiliaryLoss, loss.Count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new Pass(_model);

    private sealed class Pass(MahaLanguageModel model) : IValidationPass
    {
        private double _sum;
        private long _count;

        public void Add(TokenBatch batch)
        {
            var loss = model.Loss(batch.TokenIds, batch.KeyPaddingMask);
            _sum += loss.Mean.ToDouble() * loss.Count;
            _count += loss.Count;
        }

        public ValidationMetrics Complete() => new() { Loss = _sum / _count, Count = _count };
    }
}
