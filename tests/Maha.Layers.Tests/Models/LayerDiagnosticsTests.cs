using Maha.Layers.Attention;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Training;
using Maha.Layers.Trees;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

public sealed class LayerDiagnosticsTests
{
    private const int Batch = 3, Length = 23, Width = 12, Heads = 3, Vocabulary = 31, Classes = 4;

    private static readonly int[] s_validLengths = [23, 7, 0];

    [Theory]
    [InlineData(0, false, false, 0)]
    [InlineData(0, true, false, 0)]
    [InlineData(4, false, false, 0)]
    [InlineData(4, true, false, 0)]
    [InlineData(4, false, true, 2)]
    [InlineData(5, true, true, 1)]
    public void Entropy_EqualsTheLoopOverTheRows(int window, bool causal, bool band, int global)
    {
        using var scope = NewDisposeScope();
        var (query, key) = (TestTensors.Random(1, Batch, Length, Width), TestTensors.Random(2, Batch, Length, Width));
        key[1, 7] = double.NaN; // the content of padding is arbitrary
        var plan = new WindowPlan(Batch, Length, Heads, Width / Heads, window, causal, band, global);
        double[] means = TestTensors.ToArray(AttentionEntropy.Mean(query, key, plan, s_validLengths));
        var (q, k) = (query.data<double>().ToArray(), key.data<double>().ToArray());
        for (int document = 0; document < 2; document++)
            Assert.Equal(SlowMean(q, k, plan, document, Rows(s_validLengths[document])), means[document], 1e-10);
        Assert.True(double.IsNaN(means[2]));
    }

    [Theory]
    [InlineData(HierarchyKind.Blocks)]
    [InlineData(HierarchyKind.Document)]
    public void EntropyOfATree_EqualsThatOfItsWeights(HierarchyKind hierarchy)
    {
        using var scope = NewDisposeScope();
        var options = new MahaBlockOptions { DModel = Width, NumHeads = Heads }.With(attention: AttentionKind.Hsa, hierarchy: hierarchy, branching: 3);
        AssertTreeEntropy(options);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void EntropyOfACausalTree_EqualsThatOfItsWeights(bool overlap)
    {
        using var scope = NewDisposeScope();
        AssertTreeEntropy(new MahaBlockOptions { DModel = Width, NumHeads = Heads }.With(attention: AttentionKind.HsaCausal, branching: 3, overlap: overlap));
    }

    [Theory]
    [InlineData(AggregationKind.Convex, WeightGranularity.Token)]
    [InlineData(AggregationKind.Convex, WeightGranularity.Document)]
    [InlineData(AggregationKind.Mean, WeightGranularity.Token)]
    [InlineData(AggregationKind.Gated, WeightGranularity.Token)]
    public void Weights_AreMeansOverTheValidTokens(AggregationKind aggregation, WeightGranularity granularity)
    {
        using var scope = NewDisposeScope();
        using var model = Classifier(AttentionKind.Maha, aggregation, granularity);
        var (ids, mask) = Documents();
        var result = model.Inspect(ids, mask);
        var diagnostics = LayerDiagnostics.Compute(result.Encoding, mask);
        Assert.Equal(model.Encoder.Options.NumLayers, diagnostics.Count);
        for (int layer = 0; layer < diagnostics.Count; layer++)
        {
            int scales = ((MahaOptions)model.Encoder.Options.Attention).CountScales(model.Encoder.Options.MaxSequenceLength);
            var reported = result.Encoding.Layers[layer].ScaleWeights!;
            double[] weights = TestTensors.ToArray((reported.dim() == 2 ? reported.unsqueeze(1) : reported).expand(Batch, Length, scales));
            for (int scale = 0; scale < scales; scale++)
            {
                double sum = 0;
                for (int document = 0; document < Batch; document++)
                {
                    for (int token = 0; token < s_validLengths[document]; token++)
                        sum += weights[(((document * Length) + token) * scales) + scale];
                }

                Assert.Equal(sum / s_validLengths.Sum(), diagnostics[layer].MeanScaleWeights![scale], 1e-9);
            }
            Assert.Equal(1, diagnostics[layer].MeanScaleWeights!.Sum(), 1e-9);
            Assert.InRange(diagnostics[layer].Sparsity!.Value, 0, 1);
            Assert.True(diagnostics[layer].Converged);
            Assert.Equal(scales, diagnostics[layer].AttentionEntropy!.Count);
        }
    }

    [Theory]
    [InlineData(AttentionKind.Maha)]
    [InlineData(AttentionKind.Full)]
    [InlineData(AttentionKind.Window)]
    [InlineData(AttentionKind.Hsa)]
    public void Inspecting_ChangesNoLogit(AttentionKind attention)
    {
        using var scope = NewDisposeScope();
        using var model = Classifier(attention, AggregationKind.Convex, WeightGranularity.Token);
        var (ids, mask) = Documents();
        TestTensors.AssertClose(model.call(ids, mask).Logits, model.Inspect(ids, mask).Logits, 0);
        Assert.Null(model.call(ids, mask).Encoding.Layers[0].AttentionEntropy);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AttentionWeights_AreDistributionsOverTheTokensSeen(bool causal)
    {
        using var scope = NewDisposeScope();
        var options = new MahaBlockOptions { DModel = Width, NumHeads = Heads, MaxSequenceLength = Length, IsCausal = causal }.With(window: 3);
        using var mixer = TestTensors.Prepared(new MahaMixer(options), seed: 7);
        const int valid = 17;
        var context = new MixingContext { KeyPaddingMask = arange(Length).ge(valid).unsqueeze(0) };
        int scales = ((MahaOptions)options.Attention).CountScales(Length);
        var maps = mixer.AttentionWeights(TestTensors.Random(3, 1, Length, Width), context);
        Assert.Equal([scales, Length, Length], maps.shape);
        double[] weights = TestTensors.ToArray(maps);
        for (int scale = 0, cell = 1; scale < scales; scale++, cell *= 2)
        {
            for (int i = 0; i < Length; i++)
            {
                double[] row = weights[(((scale * Length) + i) * Length)..(((scale * Length) + i + 1) * Length)];
                bool served = i < valid && (!causal || i + 1 >= cell);
                Assert.Equal(served ? 1 : 0, row.Sum(), 1e-9);
                Assert.All(row.Skip(causal ? i + 1 : valid), weight => Assert.Equal(0, weight));

                // One weight for all tokens of a cell.
                if (served)
                    Assert.Equal(row[0], row[Math.Min(cell, valid) - 1], 1e-12);
            }
        }
    }

    [Fact]
    public void AttentionMap_OfOneWindowOverTheDocument_IsSoftmax()
    {
        using var scope = NewDisposeScope();
        using var mixer = TestTensors.Prepared(
            new MahaMixer(new MahaBlockOptions { DModel = Width, NumHeads = Heads, MaxSequenceLength = Length }.With(window: Length, numScales: 1)), seed: 7);
        var hidden = TestTensors.Random(3, 1, Length, Width);
        var map = mixer.AttentionWeights(hidden, MixingContext.Unpadded)[0]; // [N, N]
        var entropy = mixer.call(hidden, new MixingContext { Inspect = true }).AttentionEntropy!;
        // the entropy of the mean over heads is at least the mean entropy of the heads
        Assert.True(-(map * map.log()).sum().item<double>() / Length >= entropy.item<double>() - 1e-9);
        Assert.Throws<ArgumentException>(() => mixer.AttentionWeights(TestTensors.Random(3, 2, Length, Width), MixingContext.Unpadded));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AttentionWeights_OfFullAttention_AreThoseThatMixTheValues(bool causal)
    {
        using var scope = NewDisposeScope();
        using var mixer = TestTensors.Prepared(new FullMixer(new MahaBlockOptions
        {
            DModel = Width,
            NumHeads = Heads,
            MaxSequenceLength = Length,
            IsCausal = causal,
            Attention = new FullOptions(),
        }), seed: 7);
        const int valid = 17;
        var context = new MixingContext { KeyPaddingMask = arange(Length).ge(valid).unsqueeze(0) };
        var hidden = TestTensors.Random(3, 1, Length, Width);
        var weights = mixer.AttentionWeights(hidden, context);
        Assert.Equal([Heads, Length, Length], weights.shape);
        TestTensors.AssertClose(arange(Length).lt(valid).to(ScalarType.Float64).expand(Heads, -1), weights.sum(-1), 1e-12);
        Assert.Equal(0, weights.narrow(2, valid, Length - valid).abs().sum().item<double>());
        if (causal)
            Assert.Equal(0, weights.triu(1).abs().sum().item<double>());
        var state = mixer.state_dict();
        var values = (matmul(hidden[0], state["v_proj.weight"].t()) + state["v_proj.bias"]).reshape(Length, Heads, Width / Heads).transpose(0, 1); // [H, N, K]
        var mixed = matmul(weights, values).transpose(0, 1).reshape(Length, Width);
        var output = (matmul(mixed, state["out_proj.weight"].t()) + state["out_proj.bias"]).narrow(0, 0, valid);
        TestTensors.AssertClose(mixer.call(hidden, context).Output[0].narrow(0, 0, valid), output, 1e-9);
        Assert.Throws<ArgumentException>(() => mixer.AttentionWeights(TestTensors.Random(3, 2, Length, Width), MixingContext.Unpadded));
    }

    [Fact]
    public void Validation_ReportsTheLayers()
    {
        using var model = Classifier(AttentionKind.Maha, AggregationKind.Convex, WeightGranularity.Token);
        var random = new Random(5);
        using var documents = TokenizedDataset.FromTokenIds(
            Enumerable.Range(0, 6).Select(i => (Enumerable.Range(0, 5 + (3 * i)).Select(_ => random.Next(Vocabulary)).ToArray(), i % Classes)));
        var task = new SequenceClassificationTask(model, Classes);

        // The means over all documents do not depend on how they were batched.
        var inOne = new Trainer(new TrainingOptions { TokensPerBatch = 10_000 }).Evaluate(task, documents).Layers!;
        var inMany = new Trainer(new TrainingOptions { TokensPerBatch = 20 }).Evaluate(task, documents).Layers!;
        Assert.Equal(2, inOne.Count);
        foreach (var (one, many) in inOne.Zip(inMany))
        {
            Assert.True(TestTensors.Difference([.. one.MeanScaleWeights!], [.. many.MeanScaleWeights!]) < 1e-9);
            Assert.Equal(one.Sparsity!.Value, many.Sparsity!.Value, 1e-12);
        }
    }

    private static void AssertTreeEntropy(MahaBlockOptions options)
    {
        using var mixer = TestTensors.Prepared(new HsaMixer(options), seed: 7);
        var hidden = TestTensors.Random(3, Batch, Length, Width);
        TokenHierarchy?[] trees = [.. s_validLengths.Select(length => length > 0 ? TokenHierarchy.Blocks(length, 4) : null)];
        var context = new MixingContext { KeyPaddingMask = Mask(), Hierarchies = trees, Inspect = true };
        double[] means = TestTensors.ToArray(mixer.call(hidden, context).AttentionEntropy!);
        for (int document = 0; document < 2; document++)
        {
            int length = s_validLengths[document];
            var alone = new MixingContext { Hierarchies = [trees[document]] };
            double[] weights = TestTensors.ToArray(mixer.AttentionWeights(hidden.narrow(0, document, 1).narrow(1, 0, length), alone));
            Assert.Equal(weights.Sum(weight => weight > 0 ? -weight * Math.Log(weight) : 0) / (Heads * length), means[document], 1e-9);
        }
        Assert.True(double.IsNaN(means[2]));
    }

    // Attention is measured at the middles of equal parts of the document. Here these are all tokens, and some of them twice if the document is shorter than
    // the batch.
    private static IEnumerable<int> Rows(int validLength) => Enumerable.Range(0, Length).Select(r => ((2 * r) + 1) * validLength / (2 * Length));

    private static double SlowMean(double[] query, double[] key, WindowPlan plan, int document, IEnumerable<int> rows)
    {
        var entropies = new List<double>();
        foreach (int i in rows)
        {
            for (int head = 0; head < Heads; head++)
            {
                double[] scores = [.. Enumerable.Range(0, s_validLengths[document]).Where(j => Sees(i, j)).Select(j =>
                    Enumerable.Range(head * plan.HeadDim, plan.HeadDim).Sum(d => query[At(i, d)] * key[At(j, d)]) / Math.Sqrt(plan.HeadDim))];
                double total = scores.Sum(Math.Exp);
                entropies.Add(scores.Sum(score => -(Math.Exp(score) / total) * Math.Log(Math.Exp(score) / total)));
            }
        }
        return entropies.Average();

        int At(int token, int channel) => (((document * Length) + token) * Width) + channel;

        bool Sees(int i, int j)
        {
            if (plan.Causal && j > i)
                return false;
            if (j < plan.GlobalKeys || (!plan.Causal && i < plan.GlobalKeys))
                return true;
            return Math.Abs((i / plan.BlockLength) - (j / plan.BlockLength)) <= 1 && (!plan.Band || Math.Abs(i - j) <= plan.Window);
        }
    }

    private static MahaSequenceClassifier Classifier(AttentionKind attention, AggregationKind aggregation, WeightGranularity granularity) =>
        TestTensors.Prepared(new MahaSequenceClassifier(new MahaTransformerOptions
        {
            VocabSize = Vocabulary,
            DModel = Width,
            NumHeads = Heads,
            NumLayers = 2,
            MaxSequenceLength = Length,
        }.With(window: 3, branching: 3, attention: attention, aggregation: aggregation, granularity: granularity), Classes), seed: 11);

    private static (Tensor Ids, Tensor Mask) Documents() => (TestTensors.RandomIds(4, Vocabulary, Batch, Length), Mask());

    private static Tensor Mask() =>
        tensor(s_validLengths.SelectMany(n => Enumerable.Range(0, Length).Select(i => i >= n)).ToArray()).reshape(Batch, Length);
}
