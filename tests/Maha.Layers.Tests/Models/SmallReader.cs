using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;

namespace Maha.Layers.Tests.Models;

/// <summary>The shape of a small encoder in BERT layout that reads windows of 12 tokens, without dropout.</summary>
internal static class SmallReader
{
    public static WordPieceTokenizer Tokenizer { get; } = SmallWordPiece.Create();

    public static MahaTransformerOptions Encoder { get; } = new()
    {
        VocabSize = Tokenizer.VocabSize,
        DModel = 12,
        NumHeads = 3,
        NumLayers = 3,
        FeedForwardDim = 20,
        MaxSequenceLength = 16,
        Positions = PositionKind.Learned,
        EmbeddingNorm = true,
        FinalNorm = false,
        Dropout = 0,
        Attention = new FullOptions(),
    };

    public static WindowedEncoderOptions Windows { get; } = new()
    {
        WindowLength = 12,
        ChunkLength = 4,
        MaxDocumentTokens = 1000,
        ClsTokenId = Tokenizer.ClsTokenId,
        SepTokenId = Tokenizer.SepTokenId,
    };
}
