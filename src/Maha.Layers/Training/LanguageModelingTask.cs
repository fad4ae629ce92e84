using System.Numerics;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, N length, P pieces of a row

/// <summary>Trains a language model to tell the next token.</summary>
/// <remarks>
/// Loss = the mean of -ln p(token | tokens before it in its row) over all tokens but the first of each row, with label smoothing, plus the model's auxiliary loss.
/// Validation reports the loss alone; its exponential is the perplexity per token. Give it <see cref="PackedContexts"/>, so that rows have one length and texts their ends.
/// <para>Contexts may grow: for a part of the training every row of a batch is cut into pieces that know nothing of each other, at first short ones, whose length doubles at equal
/// distances until rows are whole (as in Li et al. 2022 and Zhu et al. 2025). What is near is learned first and from many places at a time, and long contexts then cost nothing in
/// perplexity; steps on pieces are also cheaper under full attention. Validation always has whole rows.</para>
/// </remarks>
public sealed class LanguageModelingTask : ITrainingTask
{
    private readonly MahaLanguageModel _model;
    private readonly double _growth;
    private readonly int _shortest;
    private double _labelSmoothing;

    /// <summary>A task for a language model.</summary>
    /// <param name="model">What is trained.</param>
    /// <param name="contextGrowthFraction">The part of the training during which contexts grow, in [0, 1]; 0 has whole contexts from the first step on.</param>
    /// <param name="shortestContext">The length with which they begin, at least 2. Ignored where nothing grows or contexts are no longer.</param>
    /// <exception cref="ArgumentException">An argument is out of its range.</exception>
    public LanguageModelingTask(MahaLanguageModel model, double contextGrowthFraction = 0, int shortestContext = 64)
    {
        ArgumentNullException.ThrowIfNull(model);
        CheckContextGrowth(contextGrowthFraction, nameof(contextGrowthFraction));
        TensorChecks.InRange(shortestContext, 2, 1 << 24, nameof(shortestContext), "The first token of a context is not predicted, so that it takes two.");
        _model = model;
        _growth = contextGrowthFraction;
        _shortest = shortestContext;
    }

    /// <summary>Checks the part of a training during which contexts grow.</summary>
    /// <param name="fraction">The part.</param>
    /// <param name="name">What it is called where it was given, for the message.</param>
    /// <exception cref="ArgumentOutOfRangeException">It does not lie in [0, 1].</exception>
    public static void CheckContextGrowth(double fraction, string name)
    {
        // Written so that NaN fails too.
        if (!(fraction >= 0 && fraction <= 1))
            throw new ArgumentOutOfRangeException(name, fraction, $"{name} must lie in [0, 1], but is {fraction}. Use 0 for whole contexts from the first step on.");
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
        long pieces = Pieces(batch.TokenIds.shape[1], batch.Progress);
        var loss = _model.Loss(Cut(batch.TokenIds, pieces), batch.KeyPaddingMask is null ? null : Cut(batch.KeyPaddingMask, pieces), _labelSmoothing);
        return new TaskLoss(loss.Count == 0 ? loss.Mean : loss.Mean + loss.AuxiliaryLoss, loss.Count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new Pass(_model);

    /// <summary>Into how many pieces contexts of a length are cut: a power of two, so that their length doubles at equal distances.</summary>
    private long Pieces(long length, double progress)
    {
        if (progress >= _growth || length < 2 * _shortest)
            return 1;
        int doublings = BitOperations.Log2((ulong)(length / _shortest));
        return 1L << (doublings - (int)(progress / _growth * (doublings + 1)));
    }

    // [B, N] as [B * P, N / P]; up to P - 1 tokens at the end of a row are left out.
    private static Tensor Cut(Tensor rows, long pieces)
        => pieces == 1 ? rows : rows.narrow(1, 0, rows.shape[1] / pieces * pieces).reshape(rows.shape[0] * pieces, rows.shape[1] / pieces);

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
