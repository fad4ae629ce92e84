using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B documents, N length, D width, C classes

/// <summary>Classifies documents by the states of a <see cref="WindowedEncoder"/>.</summary>
/// <remarks>
/// logits = W Dropout(LayerNorm(pool(states))) + b + U v, where v are the mean votes of the states (<see cref="DocumentVotes"/>). Without votes, U v is left out.
/// </remarks>
internal sealed class WindowedClassifier : Module<Tensor, Tensor?, ModelResult>
{
    /// <summary>The prefix of the names of the weights of the encoder and of the blocks over the document.</summary>
    public const string ReaderPrefix = "reader.";

    /// <summary>The prefix of the names of the encoder's weights.</summary>
    public const string EncoderPrefix = ReaderPrefix + "encoder.";

    // Of the pooled vector, unless the encoder has none or more: few numbers decide, and the documents to learn from are few.
    private const double PooledDropout = 0.2;

    [ComponentName(Name = "reader")] private readonly WindowedEncoder _reader;
    [ComponentName(Name = "pooling")] private readonly DocumentPooling _pooling;
    [ComponentName(Name = "pooled_norm")] private readonly LayerNorm _pooledNorm;
    [ComponentName(Name = "dropout")] private readonly ActivationDropout _dropout;
    [ComponentName(Name = "head")] private readonly Linear _head;
    [ComponentName(Name = "votes")] private readonly DocumentVotes? _votes;
    [ComponentName(Name = "votes_head")] private readonly Linear? _votesHead;

    /// <summary>Creates a classifier with random weights.</summary>
    /// <param name="encoder">The shape of the encoder of the windows, and the pooling.</param>
    /// <param name="options">The shape of the windows and of what follows the encoder.</param>
    /// <param name="numClasses">C, at least 2.</param>
    /// <exception cref="ArgumentException">The options or the number of classes are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public WindowedClassifier(MahaTransformerOptions encoder, WindowedEncoderOptions options, int numClasses)
        : base(TorchLibrary.EnsureLoadedFor(nameof(WindowedClassifier)))
    {
        TensorChecks.InRange(numClasses, 2, 1 << 24, nameof(numClasses), "A classifier distinguishes at least two classes.");
        _reader = new WindowedEncoder(encoder, options);
        _pooling = new DocumentPooling(encoder.DModel, encoder.Pooling);
        _pooledNorm = LayerNorm(_pooling.OutputDim);
        _dropout = new ActivationDropout(encoder.Dropout == 0 ? 0 : Math.Max(encoder.Dropout, PooledDropout));
        _head = Linear(_pooling.OutputDim, numClasses);
        if (options.NumVotes > 0)
        {
            _votes = new DocumentVotes(encoder.DModel, options.NumVotes);
            _votesHead = Linear(options.NumVotes, numClasses, hasBias: false);
        }
        RegisterComponents();
    }

    /// <summary>The encoder before the pooling.</summary>
    public WindowedEncoder Reader => _reader;

    /// <summary>Classifies a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64: framed windows.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>The logits [B, C], and the states that they are computed from.</returns>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public override ModelResult forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        return Classify(Read(tokenIds, keyPaddingMask)).MoveToOuterDisposeScope();
    }

    /// <summary>Reads a batch of documents. <see cref="Classify"/> and <see cref="ClassifySegments"/> classify the result.</summary>
    /// <inheritdoc cref="forward"/>
    public EncodedStates Read(Tensor tokenIds, Tensor? keyPaddingMask) => _reader.call(tokenIds, keyPaddingMask);

    /// <summary>Classifies documents by their states.</summary>
    /// <param name="states">The states of B documents.</param>
    public ModelResult Classify(EncodedStates states) => new(
        Logits(states.States, states.Mask), new EncoderResult(states.States, states.AuxiliaryLoss, states.Layers));

    /// <summary>Classifies segments of documents with the pooling and the output layer of the documents.</summary>
    /// <param name="states">The states of B documents.</param>
    /// <param name="segmentLength">The number of states of a segment.</param>
    /// <returns>The logits [B, S, C]. A segment without states has the pooled vector 0 and no votes.</returns>
    public Tensor ClassifySegments(EncodedStates states, int segmentLength)
    {
        using var scope = NewDisposeScope();
        var (segments, mask) = DocumentPooling.Segment(states.States, states.Mask, segmentLength); // [B * S, L, D]
        return Logits(segments, mask).view(states.States.shape[0], -1, _head.weight.shape[0]).MoveToOuterDisposeScope();
    }

    /// <summary>Sets the bias of the output layer, for instance to the log odds of the labels.</summary>
    /// <param name="logits">[C].</param>
    public void SetOutputBias(float[] logits)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        _head.bias!.copy_(tensor(logits));
    }

    // [B, S, D] -> [B, C]
    private Tensor Logits(Tensor states, Tensor? mask)
    {
        using var scope = NewDisposeScope();
        var logits = _head.call(_dropout.call(_pooledNorm.call(_pooling.call(states, mask))));
        if (_votes is not null)
            logits += _votesHead!.call(_votes.call(states, mask));
        return logits.MoveToOuterDisposeScope();
    }
}
