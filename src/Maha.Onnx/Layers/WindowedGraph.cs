using Maha.Layers.Models;
using Maha.Onnx.Graph;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Layers;

// B documents, N length, S windows, W window length, G groups of windows, C chunks of a window, D width

/// <summary>The reading of documents in windows as a graph, as WindowedEncoder does it.</summary>
/// <remarks>
/// The windows pass the encoder in groups, one after the other, so that a document of any length needs the memory of one group and of its states.
/// </remarks>
internal static class WindowedGraph
{
    // The windows of a group: as many as WindowedEncoder computes at a time on a processor, for windows of 256 tokens.
    private const int WindowsOfGroup = 8;

    /// <summary>Computes the states of documents.</summary>
    /// <param name="weights">The weights of the reader.</param>
    /// <param name="encoder">The shape of the encoder of the windows.</param>
    /// <param name="options">The shape of the windows and of what follows the encoder.</param>
    /// <param name="tokenIds">[B, N] of Int64: framed windows.</param>
    /// <param name="rows">The lengths.</param>
    public static WindowedStates Read(
        GraphWeights weights, MahaTransformerOptions encoder, WindowedEncoderOptions options, OnnxValue tokenIds, TokenRows rows)
    {
        var found = Find(tokenIds, rows, options.ClsTokenId);
        int chunkLength = options.ChunkLength;
        var content = (found.Lengths - 2).Max(0); // [S]
        var (means, sizes) = Encode(weights.Part("encoder"), encoder, options, found); // [states, D], [states]
        var numChunks = content.CeilDivide(chunkLength); // [S]

        // The states of all documents follow each other.
        var ofDocument = rows.Batch.Range().Unsqueeze(1).EqualTo(found.Documents.Unsqueeze(0)); // [B, S]
        var totals = ofDocument.Where(numChunks.Unsqueeze(0), 0).Sum(1, keepDim: true); // [B, 1]
        var first = totals.SumBefore(0); // [B, 1]
        var longest = totals.Largest(0).Max(1); // [1]
        var state = longest.Range(); // [states of the longest document]
        var documentRows = TokenRows.FromLengths(totals, longest, options.MaxDocumentTokens); // a state has at least one token
        var index = documentRows.Valid.Where(first + state, means.Dim(0) - 1); // the last row holds zeros
        var states = means.Gather(index); // [B, states, D]
        if (options.Document is not null)
            states = documentRows.Clear(BlockGraph.Apply(weights, options.Document, states, documentRows));
        return new WindowedStates(states, sizes.Gather(index), documentRows);
    }

    // A window begins at its first special token and ends before the next one.
    private static (OnnxValue Ids, OnnxValue Lengths, OnnxValue Documents) Find(OnnxValue tokenIds, TokenRows rows, long begin)
    {
        var places = (tokenIds.EqualTo(begin) & rows.Valid).NonZero(); // [2, S]
        var (documents, starts) = (places.Slice(0, 0, 1).Squeeze(0), places.Slice(0, 1, 2).Squeeze(0)); // [S]
        var none = tokenIds.Builder.Integers(-1);
        var nextDocument = OnnxValue.Concat(0, documents.Slice(0, 1, int.MaxValue), none);
        var nextStart = OnnxValue.Concat(0, starts.Slice(0, 1, int.MaxValue), none);
        var ends = nextDocument.EqualTo(documents).Where(nextStart, rows.Lengths.Squeeze(1).Gather(documents));
        var lengths = ends - starts;
        var offsets = lengths.Largest(0, keepDim: true).Range(); // [W]
        var flat = (documents * rows.Length).Unsqueeze(1) + (starts.Unsqueeze(1) + offsets).Min(rows.Length - 1); // [S, W]
        var ids = tokenIds.Reshape(-1).Gather(flat);
        return ((offsets < lengths.Unsqueeze(1)).Where(ids, 0), lengths, documents);
    }

    // The means of the chunks of all windows, and the number of tokens of each; a row of zeros after the last.
    private static (OnnxValue Means, OnnxValue Sizes) Encode(
        GraphWeights weights, MahaTransformerOptions encoder, WindowedEncoderOptions options,
        (OnnxValue Ids, OnnxValue Lengths, OnnxValue Documents) windows)
    {
        int chunkLength = options.ChunkLength;
        var count = windows.Lengths.Dim(0); // S
        var groups = count.CeilDivide(WindowsOfGroup); // G
        var size = count.CeilDivide(groups);
        var missing = (groups * size) - count;
        var width = windows.Ids.Dim(1);
        var ids = windows.Ids.Pad(0, 0, missing).Reshape(groups, size, width);
        var lengths = windows.Lengths.Pad(0, 0, missing).Reshape(groups, size);
        var chunks = (width - 2).CeilDivide(chunkLength).Max(1); // C
        var results = weights.Builder.Scan([ids, lengths], group =>
        {
            var rows = TokenRows.FromLengths(group[1].Unsqueeze(1), width, options.WindowLength);
            var features = BlockGraph.Encode(weights, encoder, group[0], rows); // [windows, W, D]

            // Without the special tokens, the first and the last.
            var body = features.Slice(1, 1, width).Pad(1, 0, chunkLength).Slice(1, 0, chunks * chunkLength);
            var inside = (chunks * chunkLength).Range() < (group[1].Unsqueeze(1) - 2); // [windows, C * chunk]
            var counts = inside.Cast(DataType.Float).Reshape(size, chunks, chunkLength).Sum(2); // [windows, C]
            var sums = inside.Unsqueeze(2).Where(body, 0).Reshape(size, chunks, chunkLength, encoder.DModel).Sum(2); // [windows, C, D]
            return [sums / counts.Max(1).Unsqueeze(2), counts];
        });
        var means = results[0].Reshape(-1, encoder.DModel); // [G * windows * C, D]
        var sizes = results[1].Reshape(-1);
        var full = (sizes > 0).NonZero().Squeeze(0); // the chunks that have tokens
        return (means.Gather(full).Pad(0, 0, 1), sizes.Gather(full).Pad(0, 0, 1));
    }
}

/// <summary>The states of documents.</summary>
/// <param name="States">[B, states, D], 0 at padding.</param>
/// <param name="Sizes">The number of tokens of each state, [B, states] of Float, 0 at padding.</param>
/// <param name="Rows">The numbers of states.</param>
internal sealed record WindowedStates(OnnxValue States, OnnxValue Sizes, TokenRows Rows);
