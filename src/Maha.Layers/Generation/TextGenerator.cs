using System.Runtime.CompilerServices;
using System.Text;
using Maha.Layers.Models;
using Maha.Layers.Text;

namespace Maha.Layers.Generation;

/// <summary>Continues texts by a language model.</summary>
/// <remarks>
/// <para>The prompt stands behind an end-of-text token, as texts do in training, and may be of any length (of at most MaxSequenceLength tokens, with what is generated, where positions
/// are learned). It is taken up once; then every token costs what <see cref="MahaEncoder.Decode"/> says, whatever stands before it.</para>
/// <para>All that is given out is valid UTF-16: characters whose bytes are split over tokens wait until they are whole.</para>
/// <para>Owns nothing. Safe to use from many threads as long as nobody trains the model.</para>
/// </remarks>
public sealed class TextGenerator
{
    private readonly MahaLanguageModel _model;
    private readonly ByteLevelBpeTokenizer _tokenizer;

    /// <summary>Puts a model and its tokenizer together.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="tokenizer">The tokenizer of the model's token ids.</param>
    /// <exception cref="ArgumentException">The vocabularies have different sizes.</exception>
    public TextGenerator(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (model.Encoder.Options.VocabSize != tokenizer.VocabSize)
            throw new ArgumentException($"The tokenizer must have the vocabulary of the model, but they have {tokenizer.VocabSize} and {model.Encoder.Options.VocabSize} ids. Use the tokenizer that the model was trained with.", nameof(tokenizer));
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>Continues a text.</summary>
    /// <param name="prompt">The text to continue; may be empty.</param>
    /// <param name="options">How to continue; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the generation before the next token.</param>
    /// <returns>What comes behind the prompt, without it.</returns>
    /// <exception cref="ArgumentException">An option is not valid, or learned positions end before the last token.</exception>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public string Generate(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var text = Start(prompt, options);
        var all = new StringBuilder();
        while (text.Next(cancellationToken) is { } piece)
            all.Append(piece);
        return all.ToString();
    }

    /// <summary>Continues a text and gives it out as it comes.</summary>
    /// <param name="prompt">The text to continue; may be empty.</param>
    /// <param name="options">How to continue; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the generation before the next token.</param>
    /// <returns>The pieces of what comes behind the prompt, none of them empty; together what <see cref="Generate"/> returns. Tokens are computed on the thread pool, each when it is asked for.</returns>
    /// <exception cref="ArgumentException">An option is not valid (thrown at once), or learned positions end before the last token.</exception>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public IAsyncEnumerable<string> GenerateAsync(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        Check(prompt, options);
        return Stream(prompt, options, cancellationToken);
    }

    private async IAsyncEnumerable<string> Stream(string prompt, GenerationOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var text = Start(prompt, options);
        while (await Task.Run(() => text.Next(cancellationToken), cancellationToken).ConfigureAwait(false) is { } piece)
        {
            if (piece.Length > 0)
                yield return piece;
        }
    }

    private GeneratedText Start(string prompt, GenerationOptions? options)
    {
        Check(prompt, options);
        return new GeneratedText(_model, _tokenizer, prompt, options ?? new GenerationOptions());
    }

    private static void Check(string prompt, GenerationOptions? options)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options?.Validate();
    }
}
