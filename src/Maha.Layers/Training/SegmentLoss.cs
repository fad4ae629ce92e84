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

    /// <summary>Classifies a batch and its segments; null if no document is longer than a segment.</summary>
    /// <param name="classifier">The classifier whose pooling and output layer the segments share.</param>
    /// <param name="batch">The documents.</param>
    public SegmentedResult? Classify(MahaSequenceClassifier classifier, TokenBatch batch)
    {
        if (batch.TokenIds.shape[1] <= SegmentLength)
            return null;
        using var facts = batch.StateFacts();
        var result = classifier.call(batch.TokenIds, batch.KeyPaddingMask);
        var segments = classifier.ClassifySegments(result.Encoding.Features, batch.KeyPaddingMask, SegmentLength);
        int numSegments = (int)segments.shape[1];
        double[] shares = new double[batch.Lengths.Count * numSegments];
        for (int b = 0; b < batch.Lengths.Count; b++)
        {
            int length = batch.Lengths[b];
            if (length == 0)
                shares[b * numSegments] = 1;
            for (int s = 0; s * SegmentLength < length; s++)
                shares[(b * numSegments) + s] = Math.Min(SegmentLength, length - (s * SegmentLength)) / (double)length;
        }
        return new SegmentedResult(result.Logits, result.AuxiliaryLoss, segments, shares);
    }

    /// <summary>Classifies the documents that a pretrained encoder has read, and their segments.</summary>
    /// <param name="classifier">The classifier whose pooling and output layer the segments share.</param>
    /// <param name="states">The states of the documents. A segment has as many of them as <see cref="SegmentLength"/> tokens have.</param>
    public SegmentedResult Classify(WindowedClassifier classifier, EncodedStates states)
    {
        int perSegment = Math.Max(1, SegmentLength / classifier.Reader.Options.ChunkLength), numStates = (int)states.States.shape[1];
        var segments = classifier.ClassifySegments(states, perSegment);
        int numSegments = (int)segments.shape[1], numDocuments = (int)states.States.shape[0];
        double[] shares = new double[numDocuments * numSegments];
        for (int b = 0; b < numDocuments; b++)
        {
            var sizes = states.Sizes.AsSpan(b * numStates, numStates);
            double length = 0;
            foreach (float size in sizes)
                length += size;
            if (length == 0)
                shares[b * numSegments] = 1;
            for (int state = 0; length > 0 && state < numStates; state++)
                shares[(b * numSegments) + (state / perSegment)] += sizes[state] / length;
        }
        var result = classifier.Classify(states);
        return new SegmentedResult(result.Logits, result.AuxiliaryLoss, segments, shares);
    }
}

/// <summary>The logits of documents and of their segments.</summary>
/// <param name="Logits">[B, C].</param>
/// <param name="AuxiliaryLoss">A scalar; null for none.</param>
/// <param name="SegmentLogits">[B, S, C].</param>
/// <param name="Shares">[B, S], the share of the document's tokens that each segment has.</param>
internal sealed record SegmentedResult(Tensor Logits, Tensor? AuxiliaryLoss, Tensor SegmentLogits, double[] Shares);
