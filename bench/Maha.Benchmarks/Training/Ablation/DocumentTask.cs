using Maha.Layers.Data;
using Maha.Layers.Text;
using Maha.Samples.Data.ManualPages;

namespace Maha.Benchmarks.Training;

/// <summary>Documents for training and testing a classifier, tokenized by a tokenizer that is trained on the training texts.</summary>
internal sealed class DocumentTask : IDisposable
{
    private DocumentTask(string name, string[] labels, ByteLevelBpeTokenizer tokenizer, TokenizedDataset train, TokenizedDataset test)
        => (Name, Labels, Tokenizer, Train, Test) = (name, labels, tokenizer, train, test);

    /// <summary>The training file's name and the number of documents taken from it.</summary>
    public string Name { get; }

    public string[] Labels { get; }

    public ByteLevelBpeTokenizer Tokenizer { get; }

    public TokenizedDataset Train { get; }

    public TokenizedDataset Test { get; }

    /// <summary>Reads --data, --test and --documents, and loads the files, by default those of the sample.</summary>
    /// <param name="options">The command line.</param>
    /// <param name="maxTokens">Longer documents keep their start.</param>
    public static DocumentTask Load(OptionReader options, int maxTokens)
    {
        var (train, test, most) = TaskFiles.Read(options);
        foreach (string file in new[] { train, test })
        {
            if (!File.Exists(file))
                throw new UsageException($"there is no file '{file}'.");
        }

        var learn = ManualPageData.Read(train).Take(most).ToList();
        string[] labels = [.. learn.Select(row => row.Label).Distinct().Order(StringComparer.Ordinal)];
        var tokenizer = ByteLevelBpeTokenizer.Train(learn.Select(row => row.Text));
        return new DocumentTask($"{Path.GetFileNameWithoutExtension(train)}:{learn.Count}", labels,
            tokenizer, Tokenize(learn), Tokenize(ManualPageData.Read(test).Take(most)));

        TokenizedDataset Tokenize(IEnumerable<(string Label, string Text)> rows) =>
            TokenizedDataset.FromTexts(
                rows.Select(row => (row.Text, LabelOf(row.Label))), tokenizer, new TokenizedDatasetOptions { MaxDocumentTokens = maxTokens });

        int LabelOf(string label)
        {
            int index = Array.IndexOf(labels, label);
            return index >= 0 ? index : throw new UsageException($"'{test}' has documents of the class '{label}', but '{train}' has none.");
        }
    }

    public void Dispose()
    {
        Train.Dispose();
        Test.Dispose();
    }
}
