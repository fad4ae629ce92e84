using System.Diagnostics;
using System.Runtime.CompilerServices;
using Maha.Layers.Generation;
using Maha.Layers.Models;
using Maha.Layers.Text;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Maha.MLNet.LanguageModel;

/// <summary>A trained language model: tokenizer and network.</summary>
internal sealed class TextLanguageModel(TextModelParts<LanguageModelManifest, MahaLanguageModel> parts, Device device)
    : TextModel<LanguageModelManifest, MahaLanguageModel>(Format, parts, device)
{
    // Checked when a file is loaded, and learned by every training.
    private readonly ByteLevelBpeTokenizer _tokenizer = (ByteLevelBpeTokenizer)parts.Tokenizer;

    /// <summary>The file signature of language models.</summary>
    public static readonly ModelFormat Format =
        new("language model", "LanguageModel.json", "MAHATXTL", MahaLanguageModelTransformer.LoaderSignature);

    /// <summary>Reads a language model from the streams of a model file.</summary>
    /// <exception cref="MahaModelFileException">The file is damaged, or a newer version of this library wrote it.</exception>
    public static TextLanguageModel Load(IHostEnvironment environment, ModelLoadContext context)
    {
        var parts = Load(context, Format, LanguageModelManifest.Read, manifest => new MahaLanguageModel(manifest.Model, manifest.TieOutput));
        return new(parts, Devices.Choose(environment));
    }

    /// <summary>Scores a text.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public TextScore Score(ReadOnlySpan<char> text, CancellationToken cancellationToken = default)
    {
        using var use = new Use(this);
        long started = Stopwatch.GetTimestamp();
        var score = new TextScorer(Network, _tokenizer).Score(text, cancellationToken);
        MahaMetrics.AddPrediction(Format.DisplayName, 1, score.NumTokens, started);
        return score;
    }

    /// <summary>Continues a prompt.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public string Generate(string prompt, GenerationOptions? options, CancellationToken cancellationToken)
    {
        using var use = new Use(this);
        return new TextGenerator(Network, _tokenizer).Generate(prompt, options, cancellationToken);
    }

    /// <summary>Continues a prompt piece by piece. The network is kept until the last piece was read.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public async IAsyncEnumerable<string> GenerateAsync(
        string prompt, GenerationOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var use = KeepAlive();
        await foreach (string piece in new TextGenerator(Network, _tokenizer).GenerateAsync(prompt, options, cancellationToken).ConfigureAwait(false))
            yield return piece;
    }
}
