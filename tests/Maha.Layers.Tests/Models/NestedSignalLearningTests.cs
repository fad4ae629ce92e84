using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Trees;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Models;

// B batch, N leaves

/// <summary>Trains a classifier of rows that have a text and numeric columns.</summary>
[Collection(AloneCollection.Name)] // the initial weights come from torch's generator, which all tests of the process share
public class NestedSignalLearningTests
{
    private const int D = 16;
    private const int B = 64;
    private const int TextIds = 8;
    private const int Columns = 2;

    /// <summary>The class is whether the text has token 1, inverted if column 0 is negative: neither the text nor the columns alone predict it.</summary>
    [Fact]
    public void ClassOfTextAndColumnTogether_IsLearned()
    {
        using var scope = NewDisposeScope();
        using var randomState = new RandomStateScope(3);
        using var model = new RowClassifier();
        using var optimizer = optim.Adam(model.parameters(), lr: 0.01);
        var random = new Random(1);
        for (int step = 0; step < 150; step++)
        {
            using var batch = NewDisposeScope();
            var (signal, context, labels) = Rows(random);
            optimizer.zero_grad();
            nn.functional.cross_entropy(model.call(signal, context), labels).backward();
            optimizer.step();
        }
        var (unseen, trees, truth) = Rows(new Random(2));
        Assert.InRange(Accuracy(unseen), 0.95, 1);
        Assert.InRange(Accuracy(unseen with { Numbers = unseen.Numbers!.neg() }), 0, 0.05);

        double Accuracy(NestedSignal signal) => model.call(signal, trees).argmax(1).eq(truth).to(ScalarType.Float64).mean().item<double>();
    }

    // Texts of 3 to 12 tokens in one or two sentences, then the columns as children of the root, then padding.
    private static (NestedSignal Signal, MixingContext Context, Tensor Labels) Rows(Random random)
    {
        const int longest = 12 + Columns;
        long[] types = new long[B * longest], ids = new long[B * longest], positions = new long[B * longest], labels = new long[B];
        float[] numbers = new float[B * longest];
        bool[] padding = new bool[B * longest];
        var trees = new TokenHierarchy[B];
        for (int row = 0; row < B; row++)
        {
            int length = random.Next(3, 13), first = row * longest;
            for (int i = 0; i < length; i++)
                ids[first + i] = random.Next(2, TextIds);
            bool marked = random.Next(2) == 1;
            if (marked)
                ids[first + random.Next(length)] = 1;
            for (int column = 0; column < Columns; column++)
            {
                int leaf = first + length + column;
                (types[leaf], positions[leaf], numbers[leaf]) = (1, column, random.Next(2) * 2 - 1);
            }
            padding.AsSpan(first + length + Columns, longest - length - Columns).Fill(true);
            trees[row] = TokenHierarchy.FromEnds(length, [random.Next(1, length)]).WithSpecialTokens(0, Columns);
            labels[row] = marked == numbers[first + length] > 0 ? 1 : 0;
        }
        long[] shape = [B, longest];
        return (new NestedSignal(tensor(types, shape), tensor(ids, shape), tensor(numbers, [B, longest, 1]), tensor(positions, shape)),
            new MixingContext { KeyPaddingMask = tensor(padding, shape), Hierarchies = trees }, tensor(labels));
    }

    private sealed class RowClassifier : nn.Module<NestedSignal, MixingContext, Tensor>
    {
        private readonly NestedSignalEmbedding _embedding = new(D, new LeafType { Name = "text", VocabSize = TextIds },
            new LeafType { Name = "column", Channels = 1, MaxPositions = Columns });
        private readonly MahaBlock _first = new(Shape);
        private readonly MahaBlock _second = new(Shape);
        private readonly DocumentPooling _pooling = new(D, PoolingKind.Mean);
        private readonly Linear _head = nn.Linear(D, 2);

        public RowClassifier() : base(nameof(RowClassifier)) => RegisterComponents();

        private static MahaBlockOptions Shape => new MahaBlockOptions { DModel = D, NumHeads = 2, FeedForwardDim = 2 * D, Dropout = 0 }
            .With(attention: AttentionKind.Hsa, hierarchy: HierarchyKind.Document);

        public override Tensor forward(NestedSignal signal, MixingContext context)
        {
            using var scope = NewDisposeScope();
            var hidden = _second.call(_first.call(_embedding.call(signal), context).Output, context).Output; // [B, N, D]
            return _head.call(_pooling.call(hidden, context.KeyPaddingMask)).MoveToOuterDisposeScope(); // [B, 2]
        }
    }
}
