using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Training;

// B documents of a batch, N length of a view, D width, V vocabulary, n masked tokens

/// <summary>Trains an encoder on documents without labels: masked tokens, and two views of a document that find each other.</summary>
/// <remarks>
/// <para>Every document of a batch gives two random pieces (views). Of both, tokens are masked and told by the features at their places (Devlin et al. 2019);
/// the loss is over those places alone. The pooled features of the two, through a linear layer and scaled to length 1, shall be more alike than those
/// of different documents: InfoNCE with temperature tau (van den Oord et al. 2018; pieces of a document as in Giorgi et al. 2021). Pieces with the same label
/// come from the same document and are not held against each other. One pass of the encoder serves both losses.</para>
/// <para>The heads are thrown away; the encoder and its pooling are what is learned.</para>
/// </remarks>
internal sealed class EncoderPretrainingTask : ITrainingTask
{
    private readonly PretrainingHeads _heads;
    private readonly PretrainingOptions _options;

    /// <summary>A task for an encoder of documents.</summary>
    /// <param name="encoder">What is trained.</param>
    /// <param name="options">What it learns; null for the defaults.</param>
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
        var ids = tensor(views.Ids, [views.Count, views.Length], device: device); // [2B or B, N]
        var padding = views.IsPadded ? tensor(views.IsPadding, [views.Count, views.Length], device: device) : null;
        using var encoding = _heads.Encoder.call(ids, padding is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = padding });
        Tensor? loss = null;
        if (_options.MaskedTokenWeight > 0 && views.Places.Count > 0)
        {
            var places = encoding.Features.reshape(-1, encoding.Features.shape[2]).index_select(0, tensor(views.Places.ToArray(), device: device)); // [n, D]
            loss = functional.cross_entropy(_heads.Tell(places), tensor(views.Targets.ToArray(), device: device)) * _options.MaskedTokenWeight;
        }
        // One document alone has nothing to be told from.
        if (_options.ContrastiveWeight > 0 && batch.Rows.Count > 1)
        {
            var contrast = Contrast(_heads.Project(_heads.Pooling.call(encoding.Features, padding)), views.Documents, _options.Temperature) * _options.ContrastiveWeight;
            loss = loss is null ? contrast : loss + contrast;
        }
        return loss is null ? new TaskLoss(zeros(1), 0) : new TaskLoss(loss + encoding.AuxiliaryLoss, batch.Rows.Count);
    }

    /// <inheritdoc/>
    public IValidationPass BeginValidation() => new Pass(this);

    /// <summary>InfoNCE over 2B unit vectors, the partner of i being i + B: each is to be found among all but itself and other pieces of its document.</summary>
    /// <param name="vectors">[2B, P].</param>
    /// <param name="documents">The document of each vector.</param>
    /// <param name="temperature">tau.</param>
    internal static Tensor Contrast(Tensor vectors, IReadOnlyList<int> documents, double temperature)
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
        var alike = vectors.CheckedMatmul(vectors.t()) / temperature; // [2B, 2B]
        // Large, but finite: a softmax over it has no NaN in its gradient.
        alike = alike.masked_fill(tensor(isIgnored, [count, count], device: vectors.device), -1e9);
        return functional.cross_entropy(alike, tensor(partners, device: vectors.device));
    }

    private sealed class Pass(EncoderPretrainingTask task) : IValidationPass
    {
        private double _sum;
        private double _count;

        public void Add(TokenBatch batch)
        {
            var loss = task.Loss(batch);
            _sum += loss.Mean.ToDouble() * loss.Count;
            _count += loss.Count;
        }

        public ValidationMetrics Complete() => new() { Loss = _count > 0 ? _sum / _count : double.NaN, Count = (long)_count };
    }
}
