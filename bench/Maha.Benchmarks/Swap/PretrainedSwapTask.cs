using Maha.Benchmarks.Classification;
using Maha.Benchmarks.Training;
using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.MLNet.Fitting;

namespace Maha.Benchmarks.Swap;

/// <summary>The documents of <c>swap --pretrained</c>, in the tokens of the pretrained encoder.</summary>
internal sealed class PretrainedSwapTask : IDisposable
{
    private readonly WordPieceTokenizer _tokenizer;

    private PretrainedSwapTask(
        string name, string[] labels, PretrainedEncoder encoder, TokenizedDataset train, TokenizedDataset test, TokenizedDataset? longTest)
    {
        (Name, Labels, Train, Test, LongTest, _tokenizer) = (name, labels, train, test, longTest, encoder.Tokenizer);
    }

    /// <summary>The training file's name and the numbers of documents.</summary>
    public string Name { get; }

    public string[] Labels { get; }

    public TokenizedDataset Train { get; }

    public TokenizedDataset Test { get; }

    /// <summary>The test documents that one window of the trained length does not hold; null if there are none.</summary>
    public TokenizedDataset? LongTest { get; }

    /// <summary>The test documents in <see cref="LongTest"/>.</summary>
    public required IReadOnlyList<int> LongRows { get; init; }

    /// <summary>Reads --data, --test and --documents, and loads the files, by default those of <c>section</c> of the manual pages.</summary>
    public static PretrainedSwapTask Load(OptionReader options, PretrainedSwapSettings settings, PretrainedEncoder encoder)
    {
        var (train, test, most) = TaskFiles.Read(options);
        var learn = LabeledFile.Read(train, hasFolds: false).Take(most).ToList();
        var judge = LabeledFile.Read(test, hasFolds: false).Take(most).ToList();
        string[] labels = [.. learn.Select(document => document.Label).Distinct().Order(StringComparer.Ordinal)];
        int content = settings.WindowLength - TokenWindows.NumSpecialTokens;
        var limit = new TokenizedDatasetOptions { MaxDocumentTokens = settings.LongTokens - TokenWindows.NumSpecialTokens };
        var tested = Tokenize(judge);
        int[] longRows = [.. Enumerable.Range(0, tested.Count).Where(row => tested.LengthOf(row) > content)];
        return new PretrainedSwapTask(
            $"{Path.GetFileNameWithoutExtension(train)}:{learn.Count}+{judge.Count}", labels, encoder, Tokenize(learn), tested,
            longRows.Length == 0 ? null : TokenizedDataset.FromTokenIds(longRows.Select(row => (tested.TokensOf(row), tested.LabelOf(row)))))
        {
            LongRows = longRows,
        };

        TokenizedDataset Tokenize(IReadOnlyList<LabeledDocument> documents) => TokenizedDataset.FromTexts(
            documents.Select(document => (document.Text, LabelOf(document.Label))), encoder.Tokenizer, limit, CancellationToken.None);

        int LabelOf(string label)
        {
            int index = Array.IndexOf(labels, label);
            return index >= 0 ? index : throw new UsageException($"'{test}' has documents of the class '{label}', but '{train}' has none.");
        }
    }

    /// <summary>Frames documents as windows.</summary>
    /// <param name="documents">Documents of this task.</param>
    /// <param name="windowLength">The most tokens of a window, special tokens included.</param>
    /// <param name="mostWindows">The most windows of a document that are read.</param>
    public WindowedDocuments Windows(TokenizedDataset documents, int windowLength, int mostWindows = int.MaxValue) =>
        new(documents, new TokenWindows(_tokenizer, windowLength), mostWindows, fixedSeed: null);

    /// <summary>Returns the number of tokens of every window of some documents, special tokens included.</summary>
    public IEnumerable<int> WindowLengths(TokenizedDataset documents, int windowLength)
    {
        var windows = new TokenWindows(_tokenizer, windowLength);
        return Enumerable.Range(0, documents.Count).SelectMany(row => windows.Cut(documents.TokensOf(row)))
            .Select(window => window.End.Value - window.Start.Value + TokenWindows.NumSpecialTokens);
    }

    public void Dispose()
    {
        Train.Dispose();
        Test.Dispose();
        LongTest?.Dispose();
    }
}
