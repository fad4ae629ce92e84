using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, N length, P pieces per row

/// <summary>Trains a language model to predict the next token.</summary>
/// <remarks>
/// <para>The loss is the mean of -ln p(token | tokens before it in its row) over all tokens but the first of each row, with label smoothing,
/// plus the auxiliary loss of the model. Validation reports the loss without both; its exponential is the perplexity per token. Train on
/// <see cref="PackedContexts"/>, so that rows have one length and texts have an end.</para>
/// <para>Contexts can grow. For a fraction of the training, every row of a batch is cut into independent pieces. Their length starts short
/// and doubles at equal intervals until the rows are complete (as in Li et al. 2022 and Zhu et al. 2025). The model then learns short
/// distances first, and long contexts cost nothing in perplexity. Steps on pieces are also cheaper under full attention. Validation
/// always uses complete rows.</para>
/// </remarks>
public sealed class LanguageModelingTask : ITrainingTask
{
    private readonly MahaLanguageModel _model;
    private readonly double _growthFraction;
    private readonly int _shortestContext;
    private double _labelSmoothing;

    /// <summary>Creates the task.</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="contextGrowthFraction">
    /// The fraction of the training during which contexts grow, in [0, 1]. With 0, contexts are complete from the first step on.
    /// </param>
    /// <param name="shortestContext">
    /// The minimum number of tokens of a piece, from 2 to 16,777,216. The first pieces have at least this length and less than twice this
    /// length; shorter contexts are not cut.
    /// </param>
    /// <exception cref="ArgumentException">An argument is out of range.</exception>
    public LanguageModelingTask(MahaLanguageModel model, double contextGrowthFraction = 0, int shortestContext = 64)
    {
        ArgumentNullException.ThrowIfNull(model);
        CheckContextGrowth(contextGrowthFraction, nameof(contextGrowthFraction));
        TensorChecks.InRange(shortestContext, 2, 1 << 24, nameof(shortestContext), "The first token of a context is not predicted, so a context needs two.");
        _model = model;
        _growthFraction = contextGrowthFraction;
        _shortestContext = shortestContext;
    }

    /// <summary>Checks the fraction of a training during which contexts grow.</summary>
    /// <param name="fraction">The fraction.</param>
    /// <param name="name">The name of the argument or option, for the message.</param>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is not in [0, 1].</exception>
    internal static void CheckContextGrowth(double fraction, string name)
        => TensorChecks.Fraction(fraction, name, "Use 0 for complete contexts from the first step on.");

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
        {
            throw new ArgumentException(
                $"ClassWeighting must be None for a language model, which has no classes, but is {options.ClassWeighting}.", nameof(options));
        }
        if (Enumerable.Range(0, trainingDocuments.Count).All(row => trainingDocuments.LengthOf(row) < 2))
        {
            throw new ArgumentException(
                "trainingDocuments must hold a document of at least two tokens, since the first token is not predicted, but hold none. " +
                "Pack the documents with PackedContexts.", nameof(trainingDocuments));
        }
        _labelSmoothing = options.LabelSmoothing;
    }

    /// <inheritdoc/>
    public TaskLoss Loss(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        long pieces = NumPieces(batch.TokenIds.shape[1], batch.Progress);
        var mask = batch.KeyPaddingMask is null ? null : SplitRows(batch.KeyPaddingMask, pieces);
        var loss = _model.Loss(SplitRows(batch.TokenIds, pieces), mask, _labelSmoothing, batch.IdRange);
        return new TaskLoss(loss.Count == 0 ? loss.Mean : loss.Mean + loss.AuxiliaryLoss, loss.Count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new MeanLossPass(batch =>
    {
        var loss = _model.Loss(batch.TokenIds, batch.KeyPaddingMask, idRange: batch.IdRange);
        return new TaskLoss(loss.Mean, loss.Count);
    });

    /// <summary>Returns the number of pieces that a context is cut into: a power of two, so that the length of the pieces doubles at equal intervals.</summary>
    private long NumPieces(long length, double progress)
    {
        if (progress >= _growthFraction || length < 2 * _shortestContext)
            return 1;
        int doublings = BitOperations.Log2((ulong)(length / _shortestContext));
        return 1L << (doublings - (int)(progress / _growthFraction * (doublings + 1)));
    }

    // [B, N] to [B * P, N / P]; up to P - 1 tokens at the end of a row are left out.
    private static Tensor SplitRows(Tensor rows, long pieces)
        => pieces == 1 ? rows : rows.narrow(1, 0, rows.shape[1] / pieces * pieces).reshape(rows.shape[0] * pieces, rows.shape[1] / pieces);
}
