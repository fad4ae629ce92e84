using Maha.Layers.Data;
using Maha.Layers.Tests.Training;
using Maha.Layers.Text;
using Maha.TestData;

namespace Maha.Layers.Tests.Data;

public class TokenizedDatasetTests
{
    private static readonly string[] s_texts =
        [.. Enumerable.Range(0, 400).Select(i => string.Join(' ', Enumerable.Range(i, i % 40).Select(j => $"word{j * 7 % 31}")))];
    private static readonly Lazy<ByteLevelBpeTokenizer> s_tokenizer =
        new(() => ByteLevelBpeTokenizer.Train(s_texts, new ByteLevelBpeTokenizerOptions { VocabSize = 300 }));

    [Theory]
    [InlineData(1L << 30, false)]
    [InlineData(3000, true)]
    [InlineData(0, true)]
    public void Texts_BecomeTheTokenizersIds_InOrder_InMemoryAndInAFile(long maxBytesInMemory, bool isSpilled)
    {
        using var folder = new TemporaryFolder();
        using var dataset = TokenizedDataset.FromTexts(
            s_texts.Select((text, i) => (text, i % 5)), s_tokenizer.Value,
            new TokenizedDatasetOptions { MaxBytesInMemory = maxBytesInMemory, TemporaryDirectory = folder.Path, NumThreads = 2 });

        Assert.Equal(isSpilled, dataset.IsSpilled);
        Assert.Equal(s_texts.Length, dataset.Count);
        Assert.True(dataset.HasLabels);
        long tokens = 0;
        // In reverse order, so that a document is not read right after its predecessor.
        for (int i = s_texts.Length - 1; i >= 0; i--)
        {
            int[] expected = s_tokenizer.Value.Encode(s_texts[i]);
            Assert.Equal(expected, IdsOf(dataset, i));
            Assert.Equal(i % 5, dataset.LabelOf(i));
            tokens += expected.Length;
        }
        Assert.Equal(tokens, dataset.NumTokens);
    }

    [Fact]
    public void Texts_AreReadAsAStream()
    {
        const int count = 3000;
        var given = new List<WeakReference>();
        int alive = 0;
        IEnumerable<(string, int)> Stream()
        {
            for (int i = 0; i < count; i++)
            {
                string text = string.Join(' ', Enumerable.Range(i, 400));
                given.Add(new WeakReference(text));
                yield return (text, i);
            }
            GC.Collect();
            alive = given.Count(reference => reference.IsAlive);
        }
        using var dataset = TokenizedDataset.FromTexts(Stream(), s_tokenizer.Value, new TokenizedDatasetOptions { NumThreads = 1, MaxDocumentTokens = 1 });
        Assert.Equal(count, dataset.Count);
        // The tokenizer collects some hundred thousand characters before it starts.
        Assert.InRange(alive, 0, count / 5);
    }

    [Theory]
    [InlineData(OverlongDocuments.KeepStart)]
    [InlineData(OverlongDocuments.KeepEnd)]
    [InlineData(OverlongDocuments.KeepStartAndEnd)]
    public void ALongText_IsTokenizedNoFurtherThanItIsKept(OverlongDocuments overlong)
    {
        const int limit = 64;
        string text = string.Concat(Enumerable.Range(0, 50_000).Select(i => i % 7 == 0 ? "the cat sat. " : "a dog ran "));
        (string Text, int Label)[] documents = [(text, 0), ("the cat", 1), (text[..2000], 0), ("", 1)];
        var options = new TokenizedDatasetOptions { MaxDocumentTokens = limit, OverlongDocuments = overlong, KeepTexts = true };
        var counting = new CountingTokenizer(s_tokenizer.Value);
        using var dataset = TokenizedDataset.FromTexts(documents, counting, options, CancellationToken.None);
        using var whole = TokenizedDataset.FromTokenIds(documents.Select(document => (s_tokenizer.Value.Encode(document.Text), document.Label)), options);
        for (int i = 0; i < documents.Length; i++)
        {
            Assert.Equal(IdsOf(whole, i), IdsOf(dataset, i));
            Assert.Equal(documents[i].Label, dataset.LabelOf(i));
            string expected = TokenLimit.CutText(documents[i].Text.AsMemory(), s_tokenizer.Value.Encode(documents[i].Text), limit, overlong, s_tokenizer.Value).ToString();
            Assert.Equal(expected, ((ITextDocuments)dataset).TextOf(i));
        }
        Assert.Equal(2, dataset.NumTruncatedDocuments);
        Assert.InRange(dataset.NumTruncatedTokens / (double)whole.NumTruncatedTokens, 0.9, 1.1);
        // Of half a million characters, some thousand.
        Assert.InRange(counting.Lengths.Sum(), 2000, 10_000);

        // The message has the number of tokens of the whole document.
        counting = new CountingTokenizer(s_tokenizer.Value);
        var e = Assert.Throws<ArgumentException>(
            () => _ = TokenizedDataset.FromTexts(documents, counting, options with { OverlongDocuments = OverlongDocuments.Throw }, CancellationToken.None));
        Assert.Contains($"document 0 has {s_tokenizer.Value.Encode(text).Length}", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(OverlongDocuments.KeepStart, new[] { 1, 2, 3 })]
    [InlineData(OverlongDocuments.KeepEnd, new[] { 5, 6, 7 })]
    [InlineData(OverlongDocuments.KeepStartAndEnd, new[] { 1, 2, 7 })]
    public void OverlongDocuments_AreCutAsAsked_AndCounted(OverlongDocuments overlong, int[] expected)
    {
        using var dataset = TokenizedDataset.FromTokenIds([[1, 2, 3, 4, 5, 6, 7], [8, 9, 10], []],
            new TokenizedDatasetOptions { MaxDocumentTokens = 3, OverlongDocuments = overlong });
        Assert.Equal(expected, IdsOf(dataset, 0));
        Assert.Equal([8, 9, 10], IdsOf(dataset, 1));
        Assert.Empty(IdsOf(dataset, 2));
        Assert.Equal(1, dataset.NumTruncatedDocuments);
        Assert.Equal(4, dataset.NumTruncatedTokens);
        Assert.False(dataset.HasLabels);
    }

    [Fact]
    public void OverlongDocument_Throws_WhereAsked()
    {
        var e = Assert.Throws<ArgumentException>(() => TokenizedDataset.FromTokenIds(
            [[1], [1, 2, 3, 4]], new TokenizedDatasetOptions { MaxDocumentTokens = 3, OverlongDocuments = OverlongDocuments.Throw }));
        Assert.Contains("at most 3 tokens (MaxDocumentTokens), but document 1 has 4", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void File_IsGone_AfterDispose()
    {
        using var folder = new TemporaryFolder();
        var dataset = Toys.Documents(2000, options: InFile(folder));
        Assert.True(dataset.IsSpilled);
        Assert.Equal(1, folder.NumFiles);
        dataset.Dispose();
        Assert.Equal(0, folder.NumFiles);
        Assert.Throws<ObjectDisposedException>(() => IdsOf(dataset, 0));
    }

    [Fact]
    public void File_IsGone_WhenBuildingIsCanceled()
    {
        using var folder = new TemporaryFolder();
        using var source = new CancellationTokenSource();
        int files = 0;
        IEnumerable<int[]> Stream()
        {
            for (int i = 0; i < 10_000; i++)
            {
                if (i == 5000)
                {
                    files = folder.NumFiles;
                    source.Cancel();
                }
                yield return [1, 2, 3];
            }
        }
        Assert.ThrowsAny<OperationCanceledException>(() => TokenizedDataset.FromTokenIds(Stream(), InFile(folder), source.Token));
        Assert.Equal(1, files);
        Assert.Equal(0, folder.NumFiles);
    }

    [Fact]
    public void File_IsGone_WhenTheDocumentsThrow()
    {
        using var folder = new TemporaryFolder();
        int files = 0;
        IEnumerable<int[]> Stream()
        {
            for (int i = 0; i < 5000; i++)
                yield return [1, 2, 3];
            files = folder.NumFiles;
            throw new InvalidDataException("the reader failed");
        }
        Assert.Throws<InvalidDataException>(() => TokenizedDataset.FromTokenIds(Stream(), InFile(folder)));
        Assert.Equal(1, files);
        Assert.Equal(0, folder.NumFiles);
    }

    [Fact]
    public void TokenizingTexts_CanBeCanceled()
    {
        using var source = new CancellationTokenSource();
        IEnumerable<string> Stream()
        {
            for (int i = 0; ; i++)
            {
                if (i == 10_000)
                    source.Cancel();
                yield return "some words";
            }
        }
        Assert.ThrowsAny<OperationCanceledException>(() => TokenizedDataset.FromTexts(Stream(), s_tokenizer.Value, null, source.Token));
    }

    [Fact]
    public void MissingFolder_IsReported()
    {
        string folder = Path.Combine(Path.GetTempPath(), Guid.NewGuid().ToString("N"));
        var e = Assert.Throws<IOException>(() => Toys.Documents(10,
            options: new TokenizedDatasetOptions { MaxBytesInMemory = 0, TemporaryDirectory = folder }));
        Assert.Contains(folder, e.Message, StringComparison.Ordinal);
        Assert.Contains("TemporaryDirectory", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void BadUse_IsRefused()
    {
        using var dataset = TokenizedDataset.FromTokenIds([[1, 2], [3]]);
        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.LengthOf(2));
        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.LengthOf(-1));
        Assert.Throws<InvalidOperationException>(() => dataset.LabelOf(0));
        Assert.Throws<ArgumentException>(() => dataset.CopyTokens(0, new int[1]));
        Assert.Throws<ArgumentException>(() => TokenizedDataset.FromTokenIds([[1], null!]));
        Assert.Throws<ArgumentException>(() => TokenizedDataset.FromTexts(["a", null!], s_tokenizer.Value));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenizedDataset.FromTokenIds([[1]], new TokenizedDatasetOptions { MaxDocumentTokens = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenizedDataset.FromTokenIds([[1]],
            new TokenizedDatasetOptions { MaxDocumentTokens = 1, OverlongDocuments = OverlongDocuments.KeepStartAndEnd }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenizedDataset.FromTokenIds([[1]], new TokenizedDatasetOptions { MaxBytesInMemory = -1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => TokenizedDataset.FromTokenIds([[1]],
            new TokenizedDatasetOptions { OverlongDocuments = (OverlongDocuments)9 }));
    }

    private static TokenizedDatasetOptions InFile(TemporaryFolder folder) => new() { MaxBytesInMemory = 4096, TemporaryDirectory = folder.Path };

    private static int[] IdsOf(TokenizedDataset dataset, int index)
    {
        int[] ids = new int[dataset.LengthOf(index)];
        dataset.CopyTokens(index, ids);
        return ids;
    }
}
