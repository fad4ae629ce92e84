using System.Text;
using Maha.Layers.Core;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Generation;

// C tokens of a context

/// <summary>Computes the likelihood of texts under a language model.</summary>
/// <remarks>
/// <para>The model computes without dropout, whatever its mode is.</para>
/// <para>A text follows an end-of-text token, as in training. A text of more than C tokens is read in contexts of C tokens that overlap by
/// half: every token after the first context has at least C / 2 tokens before it, and every token is counted once. The cost is at most
/// twice that of reading the text once.</para>
/// <para>The scorer does not dispose the model. It can be used from several threads at the same time while the model is not being
/// trained.</para>
/// </remarks>
public sealed class TextScorer
{
    // Few enough that a cancellation is noticed soon, and enough that short contexts don't wait for each other.
    private const int MaxTokensAtOnce = 4096;

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
    /// <param name="cancellationToken">Checked every megabyte of the tokenization, and every few thousand tokens of the scoring.</param>
    /// <returns>The log-likelihood with the lengths of the text.</returns>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public TextScore Score(ReadOnlySpan<char> text, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        int[] ids = TextPieces.Encode(_tokenizer, text, cancellationToken);
        double sum = 0;
        Read(ids, (_, logLikelihoods) => sum += Sum(logLikelihoods), cancellationToken);
        return new TextScore(sum, ids.Length, Encoding.UTF8.GetByteCount(text), TextScore.CountWords(text));

        static double Sum(ReadOnlySpan<double> values)
        {
            double sum = 0;
            foreach (double value in values)
                sum += value;
            return sum;
        }
    }

    /// <summary>Computes ln p(token | tokens before it) of every token of a text.</summary>
    /// <param name="tokenIds">The token ids of the text, without the end-of-text token before them.</param>
    /// <param name="cancellationToken">Checked every few thousand tokens.</param>
    /// <returns>One number per token, each at most 0.</returns>
    /// <exception cref="ArgumentException">An id is not in the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The scoring was canceled.</exception>
    public double[] LogLikelihoods(ReadOnlySpan<int> tokenIds, CancellationToken cancellationToken = default)
    {
        int last = _tokenizer.VocabSize - 1, place = tokenIds.IndexOfAnyExceptInRange(0, last);
        if (place >= 0)
        {
            throw new ArgumentException(
                $"tokenIds must lie in [0, {last + 1}) (VocabSize), but number {place} is {tokenIds[place]}. Use the ids of the model's tokenizer.", nameof(tokenIds));
        }
        double[] logLikelihoods = new double[tokenIds.Length];
        Read(tokenIds, (start, values) => values.CopyTo(logLikelihoods.AsSpan(start)), cancellationToken);
        return logLikelihoods;
    }

    private delegate void Receiver(int start, ReadOnlySpan<double> logLikelihoods);

    // The model predicts the last token of a context but does not read it. The next context begins half a context later, and of its predictions only those
    // of the tokens after the context before are needed.
    private void Read(ReadOnlySpan<int> tokenIds, Receiver receive, CancellationToken cancellationToken)
    {
        int step = Math.Max(1, _contextLength / 2), atOnce = Math.Max(1, MaxTokensAtOnce / _contextLength);
        long length = tokenIds.Length + 1L; // with the end-of-text token before them
        int done = 0;
        for (long start = 0; done < tokenIds.Length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Contexts that are whole and have as many new tokens are read together; the first and the last are read alone.
            long whole = start == 0 || start + _contextLength > length ? 1 : Math.Min(atOnce, ((length - start - _contextLength) / step) + 1);
            int width = (int)Math.Min(_contextLength, length - start);
            using var scope = NewDisposeScope();
            long[] stream = new long[whole * width];
            for (int context = 0; context < whole; context++)
            {
                for (int i = 0; i < width; i++)
                {
                    long position = start + ((long)context * step) + i;
                    stream[(context * width) + i] = position == 0 ? ByteLevelBpeTokenizer.EosTokenId : tokenIds[(int)position - 1];
                }
            }
            var ids = tensor(stream, [whole, width], device: _model.Encoder.TokenEmbeddings.device);
            double[] values = _model.LogLikelihoods(ids, null, done - start).cpu().data<double>().ToArray();
            receive(done, values);
            done += values.Length;
            start += whole * step;
        }
    }
}
