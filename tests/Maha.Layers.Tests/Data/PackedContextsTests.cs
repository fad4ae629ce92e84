using FsCheck;
using FsCheck.Fluent;
using Maha.Layers.Data;

namespace Maha.Layers.Tests.Data;

public class PackedContextsTests
{
    private const int End = 99;

    [Fact]
    public void Contexts_AreTheStreamOfDocuments_AndPredictEachTokenOnce()
    {
        var cases =
            from lengths in Gen.ArrayOf(Gen.Frequency((3, Gen.Choose(0, 9)), (1, Gen.Choose(0, 200))))
            from context in Gen.Choose(2, 40)
            from spilled in Gen.Elements(false, true)
            select (lengths, context, spilled);
        Prop.ForAll(cases.Where(sample => sample.lengths.Sum() > 0).ToArbitrary(), sample =>
        {
            int next = 0;
            int[][] documents = [.. sample.lengths.Select(length => Enumerable.Range(0, length).Select(_ => next++ % 90).ToArray())];
            int[] stream = [End, .. documents.Where(document => document.Length > 0).SelectMany(document => document.Append(End))];
            using var dataset = TokenizedDataset.FromTokenIds(documents, new TokenizedDatasetOptions { MaxBytesInMemory = sample.spilled ? 0 : 1 << 20 });
            var contexts = new PackedContexts(dataset, sample.context, End);
            var wrapped = new PackedContexts(new Wrapper(dataset), sample.context, End);
            Assert.Equal(stream.Length - 1, contexts.NumPredictedTokens);
            var predicted = new List<int>();
            for (int i = 0; i < contexts.Count; i++)
            {
                int[] tokens = Read(contexts, i);
                Assert.Equal(tokens, Read(wrapped, i));
                Assert.True(tokens.Length == sample.context || i == contexts.Count - 1);
                Assert.Equal(predicted.Count == 0 ? End : predicted[^1], tokens[0]);
                predicted.AddRange(tokens[1..]);
            }
            Assert.Equal(stream[1..], predicted);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithReplay(3, 5));
    }

    [Fact]
    public void DocumentsWithoutTokensToPack_AreRefused()
    {
        using var empty = TokenizedDataset.FromTokenIds([[], []]);
        Assert.Contains("none has any", Assert.Throws<ArgumentException>(() => new PackedContexts(empty, 8, End)).Message, StringComparison.Ordinal);
        using var one = TokenizedDataset.FromTokenIds([[1]]);
        Assert.Throws<ArgumentOutOfRangeException>(() => new PackedContexts(one, 1, End));
        var contexts = new PackedContexts(one, 8, End);
        Assert.Throws<ArgumentOutOfRangeException>(() => contexts.LengthOf(1));
        Assert.Throws<ArgumentException>(() => contexts.CopyTokens(0, new int[2]));
        Assert.Throws<InvalidOperationException>(() => contexts.LabelOf(0));
        Assert.False(contexts.HasLabels);
    }

    private static int[] Read(PackedContexts contexts, int index)
    {
        int[] tokens = new int[contexts.LengthOf(index)];
        contexts.CopyTokens(index, tokens);
        return tokens;
    }

    private sealed class Wrapper(ITokenizedDocuments documents) : ITokenizedDocuments
    {
        public int Count => documents.Count;

        public bool HasLabels => documents.HasLabels;

        public int LengthOf(int index) => documents.LengthOf(index);

        public int LabelOf(int index) => documents.LabelOf(index);

        public void CopyTokens(int index, Span<int> destination) => documents.CopyTokens(index, destination);
    }
}
