using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Training;

// B documents of a batch, N length of a view, D width, V vocabulary, P width of a projected vector, n masked tokens

/// <summary>Trains an encoder on documents without labels, by predicting masked tokens and by recognizing two views of the same document.</summary>
/// <remarks>
/// <para>Every document of a batch gives two random pieces, its views. In both, tokens are masked and predicted from the features at their
/// positions (Devlin et al. 2019); this loss is over the masked tokens only.</para>
/// <para>The pooled features of a view go through a linear layer and are scaled to length 1. The contrastive loss asks that the two views
/// of a document are more similar than views of different documents: InfoNCE with temperature tau (van den Oord et al. 2018; pieces of
/// documents as in Giorgi et al. 2021). Pieces with the same label come from the same document and are not contrasted.</para>
/// <para>One forward pass of the encoder serves both losses. The heads are discarded after the training; the encoder and its pooling are
/// the result.</para>
/// </remarks>
internal sealed class EncoderPretrainingTask : ITrainingTask
{
    private readonly PretrainingHeads _heads;
    private readonly PretrainingOptions _options;

    /// <summary>Creates the task.</summary>
    /// <param name="encoder">The encoder to train.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is not valid.</exception>
    public EncoderPretrainingTask(MahaDocumentEncoder encoder, PretrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        _options = options ?? new PretrainingOptions();
        _options.Validate();
        _heads = new PretrainingHeads(encoder, _options.TieEmbedding);
    }

    /// <inheritdoc/>
    public Module Module => _heads;

    /// <inheritdoc/>
    public bool Reports(ValidationMetric metric) => metric == ValidationMetric.Loss;

    /// <inheritdoc/>
    public void Begin(TrainingOptions options, ITokenizedDocuments trainingDocuments, ITokenizedDocuments? validationDocuments)
    {
    }

    /// <inheritdoc/>
    public TaskLoss Loss(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        var views = new TokenViews(batch, _options, _heads.Encoder.Options.VocabSize);
        var device = batch.TokenIds.device;
        var ids = HostTensors.Create(views.Ids, [views.Count, views.Length], device); // [2B or B, N]
        var padding = views.IsPadded ? HostTensors.Create(views.IsPadding, [views.Count, views.Length], device) : null;
        using var facts = new KnownTokens(ids, (views.Ids.Min(), views.Ids.Max()), padding, [.. views.Lengths]);
        var context = padding is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = padding };
        using var encoding = _heads.Encoder.call(ids, context);
        Tensor? loss = null;
        if (_options.MaskedTokenWeight > 0 && views.MaskedPositions.Count > 0)
        {
            var positions = HostTensors.Create([.. views.MaskedPositions], [views.MaskedPositions.Count], device);
            var masked = encoding.Features.reshape(-1, encoding.Features.shape[2]).index_select(0, positions); // [n, D]
            var targets = HostTensors.Create([.. views.Targets], [views.Targets.Count], device);
            loss = functional.cross_entropy(LossPrecision.AtLeastFloat32(_heads.PredictTokens(masked)), targets) * _options.MaskedTokenWeight;
        }
        // A single document has no other document to be contrasted with.
        if (_options.ContrastiveWeight > 0 && batch.Rows.Count > 1)
        {
            var vectors = _heads.Project(_heads.Pooling.call(encoding.Features, padding)); // [2B, P]
            var contrastive = ContrastiveLoss(vectors, views.Documents, _options.Temperature) * _options.ContrastiveWeight;
            loss = loss is null ? contrastive : loss + contrastive;
        }
        return loss is null ? new TaskLoss(zeros(1), 0) : new TaskLoss(loss + encoding.AuxiliaryLoss, batch.Rows.Count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new MeanLossPass(Loss);

    /// <summary>
    /// Computes InfoNCE over 2B unit vectors, where vectors i and i + B are partners: the cross-entropy of finding the partner among all
    /// vectors but the vector itself and other pieces of its document.
    /// </summary>
    /// <param name="vectors">The vectors, [2B, P].</param>
    /// <param name="documents">The document of each vector.</param>
    /// <param name="temperature">The temperature tau.</param>
    internal static Tensor ContrastiveLoss(Tensor vectors, IReadOnlyList<int> documents, double temperature)
    {
        int count = documents.Count;
        bool[] isIgnored = new bool[count * count];
        long[] partners = new long[count];
        for (int i = 0; i < count; i++)
        {
            partners[i] = (i + count / 2) % count;
            for (int j = 0; j < count; j++)
                isIgnored[i * count + j] = documents[i] == documents[j] && j != partners[i];
        }
        vectors = LossPrecision.AtLeastFloat32(vectors);
        var similarities = vectors.CheckedMatmul(vectors.t()) / temperature; // [2B, 2B]
        // Large but finite: infinity would give NaN in the gradient of the softmax.
        similarities = similarities.masked_fill(HostTensors.Create(isIgnored, [count, count], vectors.device), -1e9);
        return functional.cross_entropy(similarities, HostTensors.Create(partners, [count], vectors.device));
    }
}
