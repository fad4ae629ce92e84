using System.Text;
using Maha.Layers.Data;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.MLNet.Classification;
using Maha.MLNet.ModelFiles;
using static TorchSharp.torch;

namespace Maha.Onnx.Tests;

/// <summary>Small models with random weights.</summary>
internal static class RandomModels
{
    public const int NumClasses = 3;

    private static readonly string[] s_words =
    [
        "the", "cat", "sat", "on", "a", "mat", "dog", "runs", "fast", "tree", "blue", "sky", "river", "stone", "light", "##s", "##ing", ".", "!", ",", "9", "$",
    ];

    /// <summary>A WordPiece vocabulary of a few words.</summary>
    public static WordPieceTokenizer WordPieces()
    {
        string[] entries = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", .. s_words];
        return WordPieceTokenizer.FromVocabulary(new MemoryStream(Encoding.UTF8.GetBytes(string.Join('\n', entries))), lowerCase: true);
    }

    /// <summary>A byte-level BPE tokenizer that learned a few words.</summary>
    public static ByteLevelBpeTokenizer Bpe() => ByteLevelBpeTokenizer.Train(
        Enumerable.Range(0, 20).Select(i => Text(30, i)), new ByteLevelBpeTokenizerOptions { VocabSize = 300, MinFrequency = 2 });

    /// <summary>A text of known words, and of sentences.</summary>
    public static string Text(int words, int seed)
    {
        var random = new Random(seed);
        return string.Join(' ', Enumerable.Range(0, words).Select(_ => s_words[random.Next(s_words.Length)].TrimStart('#')));
    }

    /// <summary>A classifier that reads documents whole.</summary>
    public static TextClassifier Classifier(MahaTransformerOptions options, double temperature = 1)
    {
        var tokenizer = Bpe();
        var manifest = Manifest(options with { VocabSize = tokenizer.VocabSize }, temperature);
        return Create(manifest, tokenizer, new MahaSequenceClassifier(manifest.Model, NumClasses));
    }

    /// <summary>A classifier that reads documents in windows.</summary>
    public static TextClassifier WindowedClassifier(
        MahaTransformerOptions encoder, int windowLength, int chunkLength, MahaTransformerOptions? document, int numVotes = 0)
    {
        var tokenizer = WordPieces();
        var manifest = Manifest(encoder with { VocabSize = tokenizer.VocabSize, MaxSequenceLength = windowLength }, 1) with
        {
            Windows = new WindowedEncoderOptions
            {
                WindowLength = windowLength,
                ChunkLength = chunkLength,
                MaxDocumentTokens = 4096,
                ClsTokenId = tokenizer.ClsTokenId,
                SepTokenId = tokenizer.SepTokenId,
                Document = document,
                NumVotes = numVotes,
            },
        };
        return Create(manifest, tokenizer, new WindowedClassifier(manifest.Model, manifest.Windows, NumClasses));
    }

    // The same weights in every run, none of them 0 or 1 as some initializations are.
    private static void Scatter(nn.Module network)
    {
        using var noGradient = no_grad();
        using var scope = NewDisposeScope();
        var random = new Random(3);
        foreach (var (name, parameter) in network.named_parameters())
        {
            double center = name.EndsWith("norm.weight", StringComparison.Ordinal) ? 1 : 0;
            float[] values = [.. Enumerable.Range(0, (int)parameter.numel()).Select(_ => (float)(center + (0.8 * (random.NextDouble() - 0.5))))];
            parameter.copy_(tensor(values, parameter.shape));
        }
    }

    private static ClassifierManifest Manifest(MahaTransformerOptions model, double temperature) => new()
    {
        FormatVersion = ClassifierManifest.CurrentFormat,
        Model = model,
        OverlongDocuments = OverlongDocuments.KeepStart,
        Columns = new ClassifierColumns("Label", "Text", "Score", null, "PredictedLabel"),
        LabelType = nameof(String),
        Labels = ["a", "b", "c"],
        Temperature = temperature,
    };

    private static TextClassifier Create(ClassifierManifest manifest, ITextTokenizer tokenizer, nn.Module<Tensor, Tensor?, ModelResult> network)
    {
        Scatter(network);
        return new TextClassifier(
            TextClassifier.CreateFormat("MAHATXTC", "MahaTextClassification"),
            new TextModelParts<ClassifierManifest, nn.Module<Tensor, Tensor?, ModelResult>>(manifest, tokenizer, network), null, CPU);
    }
}
