using System.Text;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Generation;

// C tokens of a context

/// <summary>Scores texts by a language model.</summary>
/// <remarks>
/// A text stands behind an end-of-text token. One of more than C tokens is read in contexts of C that overlap by half: every token but those of the first context has at
/// least C / 2 tokens before it, and is counted once. Cost: at most twice that of reading the text once. Owns nothing; safe to use from many threads as long as nobody trains the model.
/// </remarks>
public sealed class TextScorer
{
    private readonly MahaLanguageModel _model;
    private readonly ByteLevelBpeTokenizer _tokenizer;
    private readonly int _contextLength;

    /// <summary>Puts a model and its tokenizer together.</summary>
    /// <param name="model">The model; it stays the caller's.</param>
    /// <param name="tokenizer">The tokenizer of the model's token ids.</param>
    /// <param name="contextLength">C, at least 2; null for the model's MaxSequenceLength.</param>
    /// <exception cref="ArgumentException">The vocabularies have different sizes, or the context is too short, or longer than learned positions.</exception>
    public TextScorer(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer, int? contextLength = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        var options = model.Encoder.Options;
        if (options.VocabSize != tokenizer.VocabSize)
            throw new ArgumentException($"The tokenizer must have the vocabulary of the model, but they have {tokenizer.VocabSize} and {options.VocabSize} ids. Use the tokenizer that the model was trained with.", nameof(tokenizer));
        _contextLength = contextLength ?? Math.Max(2, options.MaxSequenceLength);
        int longest = options.Positions == PositionKind.Learned ? Math.Max(2, options.MaxSequenceLength) : 1 << 24;
        TensorChecks.InRange(_contextLength, 2, longest, nameof(contextLength), "Leave it null for the model's MaxSequenceLength.");
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>Scores a text.</summary>
    /// <param name="text">Any text; one without tokens has the log-likelihood 0.</param>
    /// <param name="cancellationToken">Looked for before every context.</param>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public TextScore Score(ReadOnlySpan<char> text, CancellationToken cancellationToken = default)
    {
        double sum = 0;
        int[] ids = _tokenizer.Encode(text);
        foreach (double logLikelihood in LogLikelihoods(ids, cancellationToken))
            sum += logLikelihood;
        return new TextScore(sum, ids.Length, Encoding.UTF8.GetByteCount(text), TextScore.CountWords(text));
    }

    /// <summary>ln p(token | tokens before it) of every token of a text.</summary>
    /// <param name="tokenIds">The tokens of the text, without an end-of-text token before them.</param>
    /// <param name="cancellationToken">Looked for before every context.</param>
    /// <returns>As many numbers as there are tokens.</returns>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public double[] LogLikelihoods(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default)
    {
        double[] logLikelihoods = new double[tokenIds.Length];
        long[] stream = [ByteLevelBpeTokenizer.EosTokenId, .. tokenIds.ToArray().Select(id => (long)id)];

        // A context's last token is predicted but not read by the model; the next one begins half a context on.
        int step = Math.Max(1, _contextLength / 2), done = 0;
        for (int start = 0; done < tokenIds.Length; start += step)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int end = (int)Math.Min((long)start + _contextLength, stream.Length);
            using var scope = NewDisposeScope();
            var ids = tensor(stream[start..end], [1, end - start], device: _model.Encoder.TokenEmbeddings.device);
            double[] context = _model.LogLikelihoods(ids, null).cpu().data<double>().ToArray(); // of the tokens from start on
            context.AsSpan(done - start).CopyTo(logLikelihoods.AsSpan(done));
            done = end - 1;
        }
        return logLikelihoods;
    }
}
