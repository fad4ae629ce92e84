using System.Text.Json.Serialization;
using Maha.Layers.Core;

namespace Maha.Layers.Models;

/// <summary>The shape of a model that reads documents in windows with a pretrained encoder.</summary>
internal sealed record WindowedEncoderOptions
{
    /// <summary>The most tokens of a window, special tokens included.</summary>
    /// <value>256. At least 8 and at most the positions of the encoder.</value>
    public int WindowLength { get; init; } = 256;

    /// <summary>The number of tokens whose mean is one state of the document.</summary>
    /// <value>16. At least 1.</value>
    public int ChunkLength { get; init; } = 16;

    /// <summary>The most tokens of a document that are read, without special tokens.</summary>
    public required int MaxDocumentTokens { get; init; }

    /// <summary>The special token that begins a window.</summary>
    public required int ClsTokenId { get; init; }

    /// <summary>The special token that ends a window.</summary>
    public required int SepTokenId { get; init; }

    /// <summary>The blocks over the states of the whole document; null for none.</summary>
    public MahaTransformerOptions? Document { get; init; }

    /// <summary>K, the number of votes of each state, whose means are a second input of a classifier's output layer; see <see cref="DocumentVotes"/>.</summary>
    /// <value>0, which leaves them out. At most 1,024. Only a classifier has votes.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int NumVotes { get; init; }

    /// <summary>Checks every option.</summary>
    /// <param name="encoder">The encoder of the windows.</param>
    /// <exception cref="ArgumentException">One is out of range. The message states the rule, the value and the remedy.</exception>
    public void Validate(MahaTransformerOptions encoder)
    {
        int longest = encoder.Positions == PositionKind.Learned ? encoder.MaxSequenceLength : 1 << 24;
        TensorChecks.InRange(WindowLength, 8, longest, nameof(WindowLength), "A pretrained encoder reads as many tokens as it has positions.");
        TensorChecks.InRange(ChunkLength, 1, WindowLength, nameof(ChunkLength), "Use about 16.");
        TensorChecks.InRange(NumVotes, 0, 1024, nameof(NumVotes), "Use about 8, or 0 for none.");
        TensorChecks.InRange(MaxDocumentTokens, 1, 1 << 24, nameof(MaxDocumentTokens), "Use about the length of the longest document.");
        TensorChecks.InRange(ClsTokenId, 0, encoder.VocabSize - 1, nameof(ClsTokenId), "It is a token of the vocabulary.");
        TensorChecks.InRange(SepTokenId, 0, encoder.VocabSize - 1, nameof(SepTokenId), "It is a token of the vocabulary.");
        if (Document is null)
            return;
        Document.Validate();
        if (Document.DModel != encoder.DModel)
        {
            throw new ArgumentException(
                $"The blocks over the document must have the width of the encoder, {encoder.DModel}, but have {Document.DModel}. Leave DModel out.", nameof(Document));
        }
        if (Document.UsesDocumentTrees)
        {
            throw new ArgumentException(
                "Hierarchy must be Blocks with a pretrained encoder, whose states are chunks of tokens and no sentences, but is Document. Leave it out.", nameof(Document));
        }
    }
}
