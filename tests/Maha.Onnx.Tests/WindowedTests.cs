using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;

namespace Maha.Onnx.Tests;

// Documents that are read in windows, ONNX Runtime against the layers.
public sealed class WindowedTests
{
    // Windows of at most 14 ids between the special tokens: none, one window, exactly full, many, and more than a group of windows.
    private static readonly int[] s_words = [0, 1, 5, 14, 15, 40, 90, 300];

    [Theory]
    [InlineData(null, 4)]
    [InlineData(AttentionKind.Hsa, 4)]
    [InlineData(AttentionKind.Hsa, 1)]
    [InlineData(AttentionKind.Full, 16)]
    [InlineData(AttentionKind.Maha, 3)]
    [InlineData(AttentionKind.Window, 4)]
    [InlineData(null, 4, 3)]
    [InlineData(null, 16, 1)]
    public void Graph_EqualsTheLayers(AttentionKind? document, int chunkLength, int numVotes = 0)
    {
        var encoder = AttentionTests.Options(new FullOptions(), PositionKind.Learned) with { EmbeddingNorm = true, FinalNorm = false };
        var blocks = document is { } kind
            ? AttentionTests.Options(AttentionOptions.Create(kind), PositionKind.Rotary) with { VocabSize = 1, NumLayers = 1 }
            : null;
        using var classifier = RandomModels.WindowedClassifier(encoder, windowLength: 16, chunkLength, blocks, numVotes);
        var windows = new TokenWindows((WordPieceTokenizer)classifier.Tokenizer, 16);
        OnnxTextInput[] documents =
        [
            .. s_words.Select(words => new OnnxTextInput { InputIds = windows.Frame(classifier.Tokenizer.Encode(RandomModels.Text(words, words))) }),
        ];
        AttentionTests.AssertEqual(classifier, documents, alone: [0, 1, 4, 7]);
    }
}
