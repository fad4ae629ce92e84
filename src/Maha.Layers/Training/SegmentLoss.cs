using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using static TorchSharp.torch;

namespace Maha.Layers.Training;

// B batch, S segments, L tokens of a segment, C classes

/// <summary>
/// The auxiliary loss of the segments of long documents, which inherit the label of their document: more labels per document where its parts
/// are of its class.
/// </summary>
/// <remarks>
/// The loss of a document is (1 - w) l(document) + w sum over s of t_s l(segment s), where t_s is the share of the document's tokens that segment
/// s has. A document of one segment has the loss without segments.
/// </remarks>
internal sealed class SegmentLoss
{
    /// <summary>Creates the loss.</summary>
    /// <param name="weight">w, in [0, 1).</param>
    /// <param name="segmentLength">L, the number of tokens of a segment, at least 1. The last segment of a document may be shorter.</param>
    /// <exception cref="ArgumentException">An argument is out of range.</exception>
    public SegmentLoss(double weight, int segmentLength = 256)
    {
        TensorChecks.Probability(weight, nameof(weight));
        TensorChecks.InRange(segmentLength, 1, 1 << 24, nameof(segmentLength), "Use about 256.");
        (Weight, SegmentLength) = (weight, segmentLength);
    }

    /// <summary>w, the weight of the segments.</summary>
    public double Weight { get; }

    /// <summary>L, the number of tokens of a segment.</summary>
    public int SegmentLength { get; }

    /// <summary>Computes the sum over the documents of the mean loss of their segments, with class weights.</summary>
    /// <param name="classifier">The classifier whose pooling and output layer the segments share.</param>
    /// <param name="features">[B, N, D], the features of the documents.</param>
    /// <param name="batch">The documents.</param>
    /// <param name="classWeights">Returns the weights of the classes, [C], in the type of the logits; null for equal ones.</param>
    /// <param name="labelSmoothing">The label smoothing.</param>
    public Tensor Compute(MahaSequenceClassifier classifier, Tensor features, TokenBatch batch, Func<Tensor, Tensor?> classWeights, double labelSmoothing)
    {
        using var scope = NewDisposeScope();
        var logits = LossPrecision.AtLeastFloat32(classifier.ClassifySegments(features, batch.KeyPaddingMask, SegmentLength)); // [B, S, C]
        long segments = logits.shape[1];
        var shares = tensor(Shares(batch.Lengths, segments), [batch.Lengths.Count * segments], dtype: logits.dtype, device: logits.device); // [B * S]
        var losses = nn.functional.cross_entropy(
            logits.flatten(0, 1), batch.Labels!.repeat_interleave(segments), weight: classWeights(logits), reduction: nn.Reduction.None, label_smoothing: labelSmoothing);
        return (losses * shares).sum().MoveToOuterDisposeScope();
    }

    private double[] Shares(IReadOnlyList<int> lengths, long segments)
    {
        double[] shares = new double[lengths.Count * segments];
        for (int b = 0; b < lengths.Count; b++)
        {
            if (lengths[b] == 0)
                shares[b * segments] = 1;
            for (int s = 0; s * SegmentLength < lengths[b]; s++)
                shares[(b * segments) + s] = Math.Min(SegmentLength, lengths[b] - (s * SegmentLength)) / (double)lengths[b];
        }
        return shares;
    }
}
