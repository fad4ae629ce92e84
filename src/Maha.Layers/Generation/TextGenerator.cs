using System.Runtime.CompilerServices;
using System.Text;
using Maha.Layers.Models;
using Maha.Layers.Text;

namespace Maha.Layers.Generation;

/// <summary>Generates text with a language model.</summary>
/// <remarks>
/// <para>The prompt follows an end-of-text token, as texts do in training. It may have any length; only with learned positions, the prompt
/// and the generated text together have at most MaxSequenceLength tokens. The prompt is read once. After that, a token costs what
/// <see cref="MahaEncoder.Decode"/> states, however long the text before it is.</para>
/// <para>The output is valid UTF-16: a character whose bytes are split over several tokens is returned when it is complete.</para>
/// <para>The generator does not dispose the model. It can be used from several threads at the same time while the model is not being
/// trained.</para>
/// </remarks>
public sealed class TextGenerator
{
    private readonly MahaLanguageModel _model;
    private readonly ByteLevelBpeTokenizer _tokenizer;

    /// <summary>Creates a generator.</summary>
    /// <param name="model">The language model.</param>
    /// <param name="tokenizer">The tokenizer that the model was trained with.</param>
    /// <exception cref="ArgumentException">The vocabularies have different sizes.</exception>
    public TextGenerator(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer)
    {
        VocabularyCheck.RequireSameSize(model, tokenizer);
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>Generates the continuation of a text.</summary>
    /// <param name="prompt">The text to continue; may be empty.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before every token.</param>
    /// <returns>The generated text, without the prompt.</returns>
    /// <exception cref="ArgumentException">An option is not valid, or the text is longer than learned positions allow.</exception>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public string Generate(string prompt, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        using var text = Start(prompt, options);
        var all = new StringBuilder();
        while (text.Next(cancellationToken) is { } piece)
            all.Append(piece);
        return all.ToString();
    }

    /// <summary>Generates the continuation of a text piece by piece.</summary>
    /// <param name="prompt">The text to continue; may be empty.</param>
    /// <param name="options">The options; null for the defaults.</param>
    /// <param name="cancellationToken">Checked before every token.</param>
    /// <returns>
    /// The pieces of the generated text, none of them empty; together they are what <see cref="Generate"/> returns. Every token is
    /// computed on the thread pool when it is asked for.
    /// </returns>
    /// <exception cref="ArgumentException">An option is not valid (thrown by the call itself), or the text is longer than learned positions allow.</exception>
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

    private GenerationSession Start(string prompt, GenerationOptions? options)
    {
        Check(prompt, options);
        return new GenerationSession(_model, _tokenizer, prompt, options ?? new GenerationOptions());
    }

    private static void Check(string prompt, GenerationOptions? options)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        options?.Validate();
    }
}
