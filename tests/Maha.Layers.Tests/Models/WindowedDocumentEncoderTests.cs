using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

public class WindowedDocumentEncoderTests
{
    private const int D = 12;
    private static readonly WordPieceTokenizer s_tokenizer = SmallWordPiece.Create();
    private static readonly TokenWindows s_cut = new(s_tokenizer, 12);

    private static readonly MahaTransformerOptions s_encoder = new MahaTransformerOptions
    {
        VocabSize = s_tokenizer.VocabSize,
        DModel = D,
        NumHeads = 3,
        NumLayers = 2,
        FeedForwardDim = 20,
        MaxSequenceLength = 16,
        Positions = PositionKind.Learned,
        EmbeddingNorm = true,
        FinalNorm = false,
        Attention = new FullOptions(),
    };

    private static readonly WindowedEncoderOptions s_windows = new()
    {
        WindowLength = 12,
        ChunkLength = 12,
        MaxDocumentTokens = 1000,
        ClsTokenId = s_tokenizer.ClsTokenId,
        SepTokenId = s_tokenizer.SepTokenId,
    };

    // The slow twin: every window alone, sums by a loop.
    [Fact]
    public void Documents_AreTheMeansOfTheTokensOfAllWindows()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = Build(spectralDim: 0);
        int[][] documents = [Ids(37, 1), Ids(3, 2), [], Ids(10, 3), Ids(11, 4)];
        using var batch = Batch(documents);
        var (means, windows) = network.ReadWindows(batch.TokenIds, batch.KeyPaddingMask);
        int seen = 0;
        for (int document = 0; document < documents.Length; document++)
        {
            var sum = zeros([D]);
            foreach (var window in s_cut.Cut(documents[document]))
            {
                int content = window.End.Value - window.Start.Value;
                if (content == 0)
                    continue;
                long[] framed = [.. s_cut.Frame(documents[document], [window]).Select(id => (long)id)];
                var features = network.Encoder.Encode(tensor(framed).unsqueeze(0), null).Features[0].narrow(0, 1, content); // [n, D]
                TestTensors.AssertClose(features.mean([0]), windows[seen++], 1e-5);
                for (int token = 0; token < content; token++)
                    sum += features[token];
            }
            TestTensors.AssertClose(sum / Math.Max(1, documents[document].Length), means[document], 1e-5);
        }
        Assert.Equal(seen, windows.shape[0]);
        Assert.True(seen > documents.Length);
    }

    [Fact]
    public void Vectors_HaveTheSpectralPartsOfTheirOwnIds_CenteredAndScaled()
    {
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var network = Build(spectralDim: 4);
        int[][] documents = [.. Enumerable.Range(0, 40).Select(i => Ids(5 + i, i))];
        // The ids of the spectral parts are beyond the vocabulary of the encoder.
        ReadOnlyMemory<int>[] spectralIds = [.. Enumerable.Range(0, 40).Select(SpectralIds)];
        using var learned = TokenizedDataset.FromTokenIds(spectralIds.Select(ids => ids.ToArray()));
        network.FitSpectral(learned, seed: 1);
        using var raw = TokenizedDataset.FromTokenIds(documents);
        network.FitScale(new WindowedDocuments(raw, s_cut, int.MaxValue, null), spectralIds, isTimeOver: null);
        using var batch = Batch(documents);
        var vectors = network.Combine(network.ReadWindows(batch.TokenIds, batch.KeyPaddingMask).Documents, spectralIds); // [40, E]
        Assert.Equal([40, network.OutputDim], vectors.shape);
        TestTensors.AssertClose(zeros([network.OutputDim]), vectors.mean([0]), 1e-4);
        // The root mean square of each part over its width is 2; that of the encoder's is weighted.
        foreach (var (start, width, deviation) in new[] { (0, D, 0.5), (D, 4, 2.0), (D + 4, 4, 2.0) })
            Assert.Equal(deviation, Math.Sqrt(vectors.narrow(1, start, width).square().mean().item<float>()), 1e-3);
        var alone = network.Combine(zeros([1, D]), [spectralIds[3]]);
        TestTensors.AssertClose(vectors[3].narrow(0, D, 8), alone[0].narrow(0, D, 8), 1e-5);
    }

    [Fact]
    public void Scale_NeedsSixteenDocuments_HoweverShortTheTime()
    {
        using var network = Build(spectralDim: 0);
        using var raw = TokenizedDataset.FromTokenIds(Enumerable.Range(0, 40).Select(i => Ids(5, i)));
        int asked = 0;
        network.FitScale(new WindowedDocuments(raw, s_cut, int.MaxValue, null), new ReadOnlyMemory<int>[40], () => ++asked > 3);
        Assert.Equal(4, asked);
        Assert.Throws<OperationCanceledException>(() =>
            network.FitScale(new WindowedDocuments(raw, s_cut, int.MaxValue, null), new ReadOnlyMemory<int>[40], null, new CancellationToken(canceled: true)));
    }

    [Fact]
    public void OtherShapesOfWindows_AreRefused()
    {
        var refusal = Assert.Throws<ArgumentException>(() => new MahaDocumentEncoder(s_encoder, new(), s_windows with { ChunkLength = 4 }));
        Assert.Contains("one state per window", refusal.Message, StringComparison.Ordinal);
        using var whole = new MahaDocumentEncoder(s_encoder, new());
        using var ids = tensor(new long[] { 2, 5, 3 }).unsqueeze(0);
        Assert.Contains("must read windows", Assert.Throws<InvalidOperationException>(() => whole.ReadWindows(ids, null)).Message, StringComparison.Ordinal);
    }

    private static ReadOnlyMemory<int> SpectralIds(int document) =>
        Enumerable.Range(0, 20 + document).Select(k => 30 + (k * (document % 7 + 1) % 60)).ToArray();

    private static MahaDocumentEncoder Build(int spectralDim)
    {
        var parts = new DocumentVectorParts { SpectralDim = spectralDim, NumPairBuckets = 50, BeginningTokens = 6, ContextualWeight = 0.25 };
        var network = new MahaDocumentEncoder(s_encoder, parts, s_windows, spectralVocabSize: 100);
        network.eval();
        return network;
    }

    private static TokenBatch Batch(int[][] documents)
    {
        using var raw = TokenizedDataset.FromTokenIds(documents);
        return TokenBatch.Create(new WindowedDocuments(raw, s_cut, int.MaxValue, null), [.. Enumerable.Range(0, documents.Length)]);
    }

    private static int[] Ids(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(5, s_tokenizer.VocabSize))];
    }
}
