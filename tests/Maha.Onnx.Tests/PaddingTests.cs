using Google.Protobuf;
using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Onnx.Export;
using Microsoft.ML.OnnxRuntime;
using ModelProto = global::Onnx.ModelProto;

namespace Maha.Onnx.Tests;

// Padding may hold any id, and a batch may be wider than the longest document that the model reads.
public sealed class PaddingTests(Trained models) : IClassFixture<Trained>
{
    private const double Tolerance = 1e-5;
    private const int MaxLength = 32;

    private static readonly int[] s_lengths = [MaxLength, 0, 1, 7];

    // One within the vocabulary, one above it, and the ends of the type.
    private static readonly long[] s_paddingIds = [3, 5000, -1, long.MaxValue, long.MinValue];

    [Theory]
    [InlineData(PositionKind.Learned)]
    [InlineData(PositionKind.Rotary)]
    [InlineData(PositionKind.None)]
    public void Padding_OfWholeDocuments_ChangesNothing(PositionKind positions)
    {
        foreach (var attention in new[] { AttentionKind.Full, AttentionKind.Hsa, AttentionKind.Maha, AttentionKind.Window })
        {
            var options = AttentionTests.Options(AttentionOptions.Create(attention), positions) with { MaxSequenceLength = MaxLength };
            using var classifier = RandomModels.Classifier(options);
            int vocabSize = classifier.Manifest.Model.VocabSize;
            long[][] documents = [.. s_lengths.Select(length => Enumerable.Range(0, length).Select(i => (i * 17L) % vocabSize).ToArray())];
            AssertPaddingChangesNothing(ModelGraphs.Build(classifier, false, []), documents, GraphNames.Probabilities);
        }
    }

    [Theory]
    [InlineData(PositionKind.Learned)]
    [InlineData(PositionKind.Rotary)]
    public void Padding_OfWindows_ChangesNothing_EvenIfItLooksLikeTheBeginningOfOne(PositionKind positions)
    {
        var encoder = AttentionTests.Options(new FullOptions(), positions);
        var document = AttentionTests.Options(new FullOptions(), PositionKind.Rotary) with { VocabSize = 1, NumLayers = 1 };
        using var classifier = RandomModels.WindowedClassifier(encoder, windowLength: 16, chunkLength: 4, document, numVotes: 2);
        var windows = new TokenWindows((WordPieceTokenizer)classifier.Tokenizer, 16);
        string[] texts = [.. new[] { 40, 0, 5, 14 }.Select(words => RandomModels.Text(words, words))];
        long[][] documents = [.. texts.Select(text => windows.Frame(classifier.Tokenizer.Encode(text)).Select(id => (long)id).ToArray())];
        long begin = classifier.Manifest.Windows!.ClsTokenId;
        AssertPaddingChangesNothing(ModelGraphs.Build(classifier, false, []), documents, GraphNames.Probabilities, begin);
    }

    [Fact]
    public void Padding_OfAnEncoderWithSpectralParts_ChangesNothing()
    {
        var encoder = models.Encoder.Encoder;
        long[][] documents = [.. Trained.Texts[..^1].Select(text => encoder.Tokenizer.Encode(text).Select(id => (long)id).ToArray())];
        AssertPaddingChangesNothing(ModelGraphs.Build(encoder, []), documents, GraphNames.Embedding);
    }

    // A document of more ids than the model has positions must not get those of others.
    [Fact]
    public void Document_ThatIsTooLong_IsAnError()
    {
        using var classifier = RandomModels.Classifier(
            AttentionTests.Options(new FullOptions(), PositionKind.Learned) with { MaxSequenceLength = MaxLength });
        using var session = new InferenceSession(ModelGraphs.Build(classifier, false, []).ToByteArray());
        Assert.Throws<OnnxRuntimeException>(() => Run(session, [new long[MaxLength + 1]], GraphNames.Probabilities, MaxLength + 1, paddingId: 0));
    }

    private static void AssertPaddingChangesNothing(ModelProto graph, long[][] documents, string output, params long[] morePaddingIds)
    {
        using var session = new InferenceSession(graph.ToByteArray());
        int longest = documents.Max(document => document.Length);
        float[][] expected = Run(session, documents, output, longest, paddingId: 0);
        foreach (int width in new[] { longest, longest + 1, (2 * longest) + 3 })
        {
            foreach (long id in s_paddingIds.Concat(morePaddingIds))
            {
                float[][] actual = Run(session, documents, output, width, id);
                for (int i = 0; i < documents.Length; i++)
                    Assert.InRange(OnnxExporter.Difference(expected[i], actual[i]), 0, Tolerance);
            }
        }
    }

    private static float[][] Run(InferenceSession session, long[][] documents, string output, int width, long paddingId)
    {
        long[] ids = [.. documents.SelectMany(document => document.Concat(Enumerable.Repeat(paddingId, width - document.Length)))];
        long[] mask = [.. documents.SelectMany(document => Enumerable.Range(0, width).Select(column => column < document.Length ? 1L : 0))];
        using var idValue = OrtValue.CreateTensorValueFromMemory(ids, [documents.Length, width]);
        using var maskValue = OrtValue.CreateTensorValueFromMemory(mask, [documents.Length, width]);
        using var options = new RunOptions();
        using var results = session.Run(options, [GraphNames.InputIds, GraphNames.AttentionMask], [idValue, maskValue], [output]);
        float[] all = results[0].GetTensorDataAsSpan<float>().ToArray();
        return [.. all.Chunk(all.Length / documents.Length)];
    }
}
