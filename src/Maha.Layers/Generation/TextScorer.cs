using System.Text;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Generation;

// C tokens of a context

/// <summary>Computes the likelihood of texts under a language model.</summary>
/// <remarks>
/// <para>A text follows an end-of-text token, as in training. A text of more than C tokens is read in contexts of C tokens that overlap by
/// half: every token after the first context has at least C / 2 tokens before it, and every token is counted once. The cost is at most
/// twice that of reading the text once.</para>
/// <para>The scorer does not dispose the model. It can be used from several threads at the same time while the model is not being
/// trained.</para>
/// </remarks>
public sealed class TextScorer
{
    private readonly MahaLanguageModel _model;
    private readonly ByteLevelBpeTokenizer _tokenizer;
    private readonly int _contextLength;

    /// <summary>Creates a scorer.</summary>
    /// <param name="model">The language model.</param>
    /// <param name="tokenizer">The tokenizer that the model was trained with.</param>
    /// <param name="contextLength">C, the number of tokens of a context, at least 2; null for the model's MaxSequenceLength.</param>
    /// <exception cref="ArgumentException">
    /// The vocabularies have different sizes, or the context is shorter than 2 tokens or longer than learned positions allow.
    /// </exception>
    public TextScorer(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer, int? contextLength = null)
    {
        VocabularyCheck.RequireSameSize(model, tokenizer);
        var options = model.Encoder.Options;
        _contextLength = contextLength ?? Math.Max(2, options.MaxSequenceLength);
        int longest = options.Positions == PositionKind.Learned ? Math.Max(2, options.MaxSequenceLength) : 1 << 24;
        TensorChecks.InRange(_contextLength, 2, longest, nameof(contextLength), "Use null for the model's MaxSequenceLength.");
        _model = model;
        _tokenizer = tokenizer;
    }

    /// <summary>Computes the likelihood of a text.</summary>
    /// <param name="text">The text. A text without tokens has the log-likelihood 0.</param>
    /// <param name="cancellationToken">Checked before every context.</param>
    /// <returns>The log-likelihood with the lengths of the text.</returns>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public TextScore Score(ReadOnlySpan<char> text, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        double sum = 0;
        int[] ids = _tokenizer.Encode(text);
        foreach (double logLikelihood in LogLikelihoods(ids, cancellationToken))
            sum += logLikelihood;
        return new TextScore(sum, ids.Length, Encoding.UTF8.GetByteCount(text), TextScore.CountWords(text));
    }

    /// <summary>Computes ln p(token | tokens before it) of every token of a text.</summary>
    /// <param name="tokenIds">The token ids of the text, without the end-of-text token before them.</param>
    /// <param name="cancellationToken">Checked before every context.</param>
    /// <returns>One number per token, each at most 0.</returns>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public double[] LogLikelihoods(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default)
    {
        double[] logLikelihoods = new double[tokenIds.Length];
        long[] stream = [ByteLevelBpeTokenizer.EosTokenId, .. tokenIds.ToArray().Select(id => (long)id)];

        // The model predicts the last token of a context but does not read it. The next context begins half a context later.
        int step = Math.Max(1, _contextLength / 2), done = 0;
        for (int start = 0; done < tokenIds.Length; start += step)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int end = (int)Math.Min((long)start + _contextLength, stream.Length);
            using var scope = NewDisposeScope();
            var ids = tensor(stream[start..end], [1, end - start], device: _model.Encoder.TokenEmbeddings.device);
            double[] context = _model.LogLikelihoods(ids, null).cpu().data<double>().ToArray(); // of the tokens from position start
            context.AsSpan(done - start).CopyTo(logLikelihoods.AsSpan(done));
            done = end - 1;
        }
        return logLikelihoods;
    }
}
