using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

public class WindowedEncoderTests
{
    private const int D = 12;
    private static readonly WordPieceTokenizer s_tokenizer = SmallReader.Tokenizer;
    private static readonly MahaTransformerOptions s_encoder = SmallReader.Encoder;
    private static readonly WindowedEncoderOptions s_windows = SmallReader.Windows;

    public static TheoryData<AttentionKind?> DocumentAttentions => [null, AttentionKind.Hsa, AttentionKind.Maha, AttentionKind.Full, AttentionKind.Window];

    // The slow twin: every window alone, every chunk by a loop.
    [Fact]
    public void States_AreTheMeansOfChunksOfSingleWindows()
    {
        using var scope = NewDisposeScope();
        var reader = Build(null);
        int[][] documents = [Ids(37, 1), Ids(3, 2), Ids(10, 3)];
        var result = Read(reader, documents);
        var cut = new TokenWindows(s_tokenizer, 12);
        for (int document = 0; document < documents.Length; document++)
        {
            int state = 0;
            foreach (var window in cut.Cut(documents[document]))
            {
                int[] framed = cut.Frame(documents[document], [window]);
                var features = reader.Encoder.Encode(tensor(framed.Select(id => (long)id).ToArray()).unsqueeze(0), null).Features[0];
                for (int start = 1; start < framed.Length - 1; start += 4, state++)
                {
                    int end = Math.Min(start + 4, framed.Length - 1);
                    TestTensors.AssertClose(features[start..end].mean([0]), result.States[document, state], 1e-12);
                }
            }
            for (; state < result.States.shape[1]; state++)
                Assert.True(result.Mask![document, state].item<bool>());
        }
    }

    public static TheoryData<AttentionKind, AggregationKind?> Starts => new()
    {
        { AttentionKind.Hsa, null },
        { AttentionKind.Full, null },
        { AttentionKind.Window, null },
        { AttentionKind.Maha, AggregationKind.Convex },
        { AttentionKind.Maha, AggregationKind.Softmax },
        { AttentionKind.Maha, AggregationKind.Mean },
        { AttentionKind.Maha, AggregationKind.Nash },
        { AttentionKind.Maha, AggregationKind.Gated },
    };

    [Theory]
    [MemberData(nameof(Starts))]
    public void Blocks_StartAsTheNormOfTheStatesThatTheEncoderGives_AndLearn(AttentionKind attention, AggregationKind? aggregation)
    {
        using var scope = NewDisposeScope();
        var plain = Build(null);
        var document = DocumentOptions(attention).With(aggregation: aggregation, window: 2);
        var reader = new WindowedEncoder(s_encoder, s_windows with { Document = document }).to(ScalarType.Float64);
        reader.eval();
        reader.Load(plain.Encoder.state_dict(), null);
        int[][] documents = [Ids(37, 1), Ids(90, 2)];
        var (expected, actual) = (Read(plain, documents), Read(reader, documents));
        // A norm of a norm is the norm but for its epsilon.
        var normed = nn.functional.layer_norm(expected.States, [D]).masked_fill(expected.Mask!.unsqueeze(-1), 0);
        TestTensors.AssertClose(normed, actual.States, 1e-3);
        actual.States.square().mul(arange(D)).sum().backward();
        var mixers = reader.named_parameters().Where(entry => entry.name.Contains(".mixer.", StringComparison.Ordinal));
        var gradients = mixers.Select(entry => entry.parameter.grad);
        Assert.Contains(gradients, gradient => gradient is not null && gradient.abs().max().item<double>() > 1e-6);
        Assert.All(gradients, gradient => Assert.True(gradient is null || gradient.isfinite().all().item<bool>()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EqualWindows_DropOutApart_AndAreComputedOnceInEvaluation(bool training)
    {
        using var scope = NewDisposeScope();
        var reader = new WindowedEncoder(s_encoder with { Dropout = 0.5 }, s_windows).to(ScalarType.Float64);
        reader.train(training);
        int[] window = Ids(10, 4);
        var states = Read(reader, [window, window]).States;
        Assert.Equal(!training, TestTensors.ToArray(states[0]).SequenceEqual(TestTensors.ToArray(states[1])));
    }

    [Theory]
    [MemberData(nameof(DocumentAttentions))]
    public void Document_HasTheSameStatesAlone(AttentionKind? attention)
    {
        using var scope = NewDisposeScope();
        var reader = Build(attention);
        int[][] documents = [Ids(90, 1), Ids(5, 2), [], Ids(33, 3)];
        var together = Read(reader, documents);
        for (int i = 0; i < documents.Length; i++)
        {
            var alone = Read(reader, [documents[i]]);
            int states = Math.Max(1, (int)alone.States.shape[1]);
            TestTensors.AssertClose(alone.States[0], together.States[i, ..states], 1e-10);
        }
    }

    [Fact]
    public void GradientMode_ChangesNoState_AndLateLayersContinueEarlyOnes()
    {
        using var scope = NewDisposeScope();
        var reader = Build(AttentionKind.Hsa);
        int[][] documents = [Ids(4000, 1), Ids(60, 2)];
        var (ids, mask) = Batch(documents);
        var trained = reader.call(ids, mask).States.detach();
        using (no_grad())
        {
            TestTensors.AssertClose(trained, reader.call(ids, mask).States, 1e-10);
            for (int layer = 0; layer <= 3; layer++)
            {
                var hidden = reader.EncodeUntil(ids, mask, layer)
                    .SelectMany(group => group.Lengths.Select((length, i) => (Window: group.Windows[i], Hidden: group.Hidden[i, ..length])))
                    .OrderBy(pair => pair.Window).Select(pair => pair.Hidden).ToList();
                var states = reader.ReadFrom(ids, mask, layer, _ => nn.utils.rnn.pad_sequence(hidden, batch_first: true)).States;
                TestTensors.AssertClose(trained, states, 1e-10);
            }
        }
    }

    [Fact]
    public void Gradients_ReachEveryWeight()
    {
        using var scope = NewDisposeScope();
        var classifier = new WindowedClassifier(s_encoder, s_windows with { Document = DocumentOptions(AttentionKind.Maha) }, 3).to(ScalarType.Float64);
        var (ids, mask) = Batch([Ids(50, 1), Ids(9, 2)]);
        var result = classifier.call(ids, mask);
        (nn.functional.cross_entropy(result.Logits, tensor(new long[] { 0, 2 })) + result.AuxiliaryLoss).backward();
        foreach (var (name, parameter) in classifier.named_parameters())
            Assert.True(parameter.grad is { } gradient && gradient.isfinite().all().item<bool>(), name);
    }

    [Fact]
    public void StoredStates_GiveTheLogitsOfTheWholeNetwork()
    {
        using var scope = NewDisposeScope();
        var classifier = new WindowedClassifier(s_encoder, s_windows, 2);
        classifier.eval();
        using var raw = TokenizedDataset.FromTokenIds([Ids(70, 1), [], Ids(8, 2), Ids(23, 3)]);
        var documents = new WindowedDocuments(raw, new TokenWindows(s_tokenizer, 12), 4, fixedSeed: 1);
        foreach (long bytes in new[] { 1L << 30, 0 })
        {
            using var states = WindowStates.Compute(classifier.Reader, documents, 2, new TokenizedDatasetOptions { MaxBytesInMemory = bytes }, null, group: null, default);
            var batch = TokenBatch.Create(documents, [3, 1, 0]);
            var expected = classifier.call(batch.TokenIds, batch.KeyPaddingMask).Logits;
            var actual = classifier.Classify(classifier.Reader.ReadFrom(batch.TokenIds, batch.KeyPaddingMask, 2, lengths => states.Read(batch.Rows, lengths))).Logits;
            TestTensors.AssertClose(expected, actual, 5e-3);
        }
    }

    // Enough windows of every length for several groups, which are in another order than the documents.
    [Fact]
    public void Documents_HaveTheSameStatesAlone_InGroupsOfWindowsByLength()
    {
        using var scope = NewDisposeScope();
        var reader = Build(AttentionKind.Full);
        int[][] documents = [.. Enumerable.Range(0, 150).Select(i => Ids(1 + (i * 7 % 43), i + 1))];
        var together = Read(reader, documents);
        for (int i = 0; i < documents.Length; i += 7)
        {
            var alone = Read(reader, [documents[i]]);
            TestTensors.AssertClose(alone.States[0], together.States[i, ..(int)alone.States.shape[1]], 1e-10);
        }
    }

    [Theory]
    [InlineData(int.MaxValue, 1)]
    [InlineData(40, 1)]
    [InlineData(40, 20)]
    [InlineData(5, 5)]
    public void Groups_HaveEveryWindowOnce_WithinTheLimit_AndLittlePadding(int maxTokens, int minTokens)
    {
        int[] lengths = [12, 3, 7, 12, 2, 9, 4, 4, 12, 5, 2, 11, 8];
        long[] ids = [.. lengths.SelectMany(length => new long[] { s_windows.ClsTokenId }.Concat(Enumerable.Repeat(7L, length - 2)).Append(s_windows.SepTokenId))];
        var windows = WindowBatch.Find(ids, [ids.Length], ids.Length, s_windows);
        Assert.Equal(lengths, windows.Lengths);
        var groups = windows.Groups(maxTokens, minTokens);
        Assert.Equal(Enumerable.Range(0, lengths.Length), groups.SelectMany(group => group).Order());
        for (int i = 0; i < groups.Count; i++)
        {
            int[] own = windows.LengthsOf(groups[i]);
            Assert.Equal(own.OrderDescending(), own);
            Assert.True(own.Length == 1 || own[0] * own.Length <= maxTokens);
            // Only a small group has windows much shorter than its longest.
            int similar = own.Count(length => 4 * length >= 3 * own[0]);
            Assert.True(similar == own.Length || similar * own[0] < minTokens);
            Assert.True(i == 0 || windows.LengthsOf(groups[i - 1])[^1] >= own[0]);
        }
    }

    [Fact]
    public void Freeze_LeavesTheUpperLayersToTrain()
    {
        using var reader = Build(null);
        reader.Encoder.Freeze(2);
        string[] trained = [.. reader.Encoder.named_parameters().Where(entry => entry.parameter.requires_grad).Select(entry => entry.name)];
        Assert.NotEmpty(trained);
        Assert.All(trained, name => Assert.StartsWith("blocks.2.", name, StringComparison.Ordinal));
        reader.Encoder.Unfreeze();
        Assert.All(reader.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void UnframedIds_AreRefused()
    {
        using var reader = Build(null);
        foreach (long[] ids in new long[][] { [5, 6, 7], [2, 5, 6], [2, 5, 3, 6], [2, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 3] })
        {
            using var batch = tensor(ids).unsqueeze(0);
            Assert.Contains("must consist of windows", Assert.Throws<ArgumentException>(() => reader.call(batch, null)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(7, 4, "WindowLength")]
    [InlineData(17, 4, "WindowLength")]
    [InlineData(12, 0, "ChunkLength")]
    public void OptionsOutOfRange_AreRefused(int windowLength, int chunkLength, string option)
    {
        var options = s_windows with { WindowLength = windowLength, ChunkLength = chunkLength };
        Assert.Contains(option, Assert.ThrowsAny<ArgumentException>(() => options.Validate(s_encoder)).Message, StringComparison.Ordinal);
    }

    private static MahaTransformerOptions DocumentOptions(AttentionKind attention) => new MahaTransformerOptions
    {
        VocabSize = 1,
        DModel = D,
        NumHeads = 2,
        NumLayers = 2,
        FeedForwardDim = 16,
        MaxSequenceLength = 256,
        Positions = PositionKind.Rotary,
        Dropout = 0,
    }.With(attention: attention);

    [Theory]
    [InlineData(null)]
    [InlineData(AttentionKind.Hsa)]
    public void EqualWindows_AreReadOnce_WithTheSameStates(AttentionKind? attention)
    {
        using var scope = NewDisposeScope();
        var reader = Build(attention);
        int[] repeated = [.. Ids(10, 1), .. Ids(10, 1), .. Ids(10, 2), .. Ids(10, 1)];
        int[][] documents = [repeated, Ids(23, 4), repeated, [.. repeated[..35]]];
        var expected = Read(reader, documents); // with gradients every window is read
        using var noGradient = no_grad();
        var once = Read(reader, documents);
        TestTensors.AssertClose(expected.States, once.States, 1e-12);
        var (ids, mask) = Batch(documents);
        int[] lengths = DocumentLengths.Read(mask, ids.shape[0], ids.shape[1]);
        var windows = WindowBatch.Find(ids.data<long>().ToArray(), lengths, (int)ids.shape[1], s_windows);
        var read = windows.Groups(int.MaxValue, 1, once: true).SelectMany(group => group).ToList();
        var all = Enumerable.Range(0, windows.Count)
            .Select(window => string.Join(' ', windows.Tokens([window], CPU).Ids.data<long>().ToArray())).ToList();
        Assert.Equal(all.Distinct().Order(), read.Select(window => all[window]).Order());
        Assert.True(read.Count < windows.Count);
    }

    private static WindowedEncoder Build(AttentionKind? attention)
    {
        var options = attention is { } kind ? s_windows with { Document = DocumentOptions(kind) } : s_windows;
        var reader = new WindowedEncoder(s_encoder, options).to(ScalarType.Float64);
        reader.eval();
        return reader;
    }

    private static EncodedStates Read(WindowedEncoder reader, int[][] documents)
    {
        var (ids, mask) = Batch(documents);
        return reader.call(ids, mask);
    }

    private static (Tensor Ids, Tensor? Mask) Batch(int[][] documents)
    {
        using var raw = TokenizedDataset.FromTokenIds(documents);
        var windowed = new WindowedDocuments(raw, new TokenWindows(s_tokenizer, 12), int.MaxValue, null);
        var batch = TokenBatch.Create(windowed, [.. Enumerable.Range(0, documents.Length)]);
        return (batch.TokenIds, batch.KeyPaddingMask);
    }

    private static int[] Ids(int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(5, s_tokenizer.VocabSize))];
    }
}
