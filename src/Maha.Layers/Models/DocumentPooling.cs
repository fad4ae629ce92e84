using Maha.Layers.Core;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N length, D width

/// <summary>
/// Pools the features of a document's tokens to one vector.
/// </summary>
/// <remarks>
/// Padded tokens are ignored, whatever they hold. A document without tokens has the vector 0.
/// Attentive: p = sum over valid i of softmax_i(w . features_i) features_i.
/// </remarks>
internal sealed class DocumentPooling : Module<Tensor, Tensor?, Tensor>
{
    [ComponentName(Name = "scores")] private readonly Linear? _scores;
    private readonly PoolingKind _kind;
    private readonly int _dModel;

    /// <summary>Creates the module.</summary>
    /// <param name="dModel">D, the width of the features.</param>
    /// <param name="kind">The kind of pooling.</param>
    /// <exception cref="ArgumentException">The width is below 1, or the kind is unknown.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public DocumentPooling(int dModel, PoolingKind kind) : base(TorchLibrary.EnsureLoadedFor(nameof(DocumentPooling)))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        TensorChecks.Known(kind, nameof(kind));
        _kind = kind;
        _dModel = dModel;
        OutputDim = kind == PoolingKind.MeanMax ? 2 * dModel : dModel;
        _scores = kind == PoolingKind.Attentive ? Linear(dModel, 1, hasBias: false) : null;
        RegisterComponents();
    }

    /// <summary>The width of the pooled vector.</summary>
    public int OutputDim { get; }

    /// <summary>Pools a batch.</summary>
    /// <param name="features">[B, N, D].</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <returns>[B, OutputDim].</returns>
    /// <exception cref="ArgumentException">
    /// The features have another rank, width, element type or device, or no tokens, or the mask does not match their tokens.
    /// </exception>
    public override Tensor forward(Tensor features, Tensor? keyPaddingMask) => Pool(features, keyPaddingMask, isClear: false);

    /// <summary>Pools a batch, as <see cref="forward"/>.</summary>
    /// <param name="features">[B, N, D].</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="isClear">Whether the features of padding are known to be 0.</param>
    internal Tensor Pool(Tensor features, Tensor? keyPaddingMask, bool isClear)
    {
        TensorChecks.Hidden(features, _dModel, _scores?.weight, nameof(features));
        if (keyPaddingMask is not null)
            TensorChecks.TokenMask(keyPaddingMask, features.shape[0], features.shape[1], features, nameof(keyPaddingMask));
        using var scope = NewDisposeScope();
        var pooled = _kind switch
        {
            PoolingKind.Mean => Mean(features, keyPaddingMask, isClear),
            PoolingKind.Max => Max(features, keyPaddingMask),
            PoolingKind.MeanMax => cat([Mean(features, keyPaddingMask, isClear), Max(features, keyPaddingMask)], -1),
            _ => Attend(features, keyPaddingMask),
        };
        return pooled.MoveToOuterDisposeScope();
    }

    /// <summary>Pools the segments of the documents of a batch.</summary>
    /// <param name="features">[B, N, D].</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="segmentLength">L, the number of tokens of a segment.</param>
    /// <returns>[B, ceil(N / L), OutputDim]. A segment without tokens has the vector 0.</returns>
    public Tensor PoolSegments(Tensor features, Tensor? keyPaddingMask, int segmentLength)
    {
        using var scope = NewDisposeScope();
        var (segments, mask) = Segment(features, keyPaddingMask, segmentLength);
        return call(segments, mask).view(features.shape[0], -1, OutputDim).MoveToOuterDisposeScope();
    }

    /// <summary>Divides the documents of a batch into segments.</summary>
    /// <param name="features">[B, N, D].</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="segmentLength">L, the number of tokens of a segment.</param>
    /// <returns>[B * S, L, D] where S is ceil(N / L), the segments of the first document first, and the mask of the padding; null without padding.</returns>
    public static (Tensor Segments, Tensor? Mask) Segment(Tensor features, Tensor? keyPaddingMask, int segmentLength)
    {
        long batchSize = features.shape[0], length = features.shape[1], segments = (length + segmentLength - 1) / segmentLength;
        long added = (segments * segmentLength) - length;
        if (added > 0)
        {
            keyPaddingMask = functional.pad(keyPaddingMask ?? zeros([batchSize, length], ScalarType.Bool, features.device), [0, added], value: 1);
            features = functional.pad(features, [0, 0, 0, added]);
        }
        return (features.reshape(batchSize * segments, segmentLength, features.shape[2]), keyPaddingMask?.reshape(batchSize * segments, segmentLength));
    }

    /// <summary>Returns the mean over the tokens of every document, [B, D]; 0 for a document without tokens.</summary>
    /// <param name="features">[B, N, D].</param>
    /// <param name="padding">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <param name="isClear">Whether the features of padding are known to be 0.</param>
    internal static Tensor Mean(Tensor features, Tensor? padding, bool isClear = false)
    {
        if (padding is null)
            return features.mean([1]);
        var sum = (isClear ? features : features.masked_fill(padding.unsqueeze(-1), 0)).sum(1); // [B, D]
        return sum / Counts(padding, features.dtype);
    }

    // The number of tokens of every document, at least 1: [B, 1].
    private static Tensor Counts(Tensor padding, ScalarType type) => KnownTokens.LengthsOf(padding) is { } lengths
        ? HostTensors.Create(Array.ConvertAll(lengths, length => Math.Max(1.0, length)), [lengths.Length, 1], type, padding.device)
        : padding.logical_not().to(type).sum(1, keepdim: true).clamp_min(1);

    private static Tensor Max(Tensor features, Tensor? padding)
    {
        if (padding is null)
            return features.amax(1);
        var largest = features.masked_fill(padding.unsqueeze(-1), double.NegativeInfinity).amax(1); // [B, D]
        bool hasTokens = KnownTokens.LengthsOf(padding) is { } lengths && lengths.All(length => length > 0);
        return hasTokens ? largest : largest.masked_fill(padding.all(1).unsqueeze(-1), 0);
    }

    private Tensor Attend(Tensor features, Tensor? padding)
    {
        if (padding is null)
            return (_scores!.call(features).softmax(1) * features).sum(1);
        // Filled, not multiplied by 0: padding may hold NaN. A row of padding alone has equal weights over zeros, so its vector is 0.
        var clean = features.masked_fill(padding.unsqueeze(-1), 0);
        double least = finfo(features.dtype).min;
        var weights = _scores!.call(clean).masked_fill(padding.unsqueeze(-1), least).softmax(1); // [B, N, 1]
        return (weights * clean).sum(1);
    }
}
