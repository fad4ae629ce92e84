using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Generation;

/// <summary>The generation of one text: the cache of the model, the sampler, and the text that is held back.</summary>
internal sealed class GenerationSession : IDisposable
{
    // The number of tokens of a prompt that are read between two checks for cancellation.
    private const int PromptPiece = 4096;

    private readonly MahaLanguageModel _model;
    private readonly GenerationOptions _options;
    private readonly DecoderState _state;
    private readonly TokenSampler _sampler;
    private readonly TokenStreamDecoder _decoder;
    private readonly StopSequenceFilter _filter;
    private int[] _unread; // the tokens that the model has not read yet
    private int _generated;
    private bool _isEnded;

    public GenerationSession(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer, string prompt, GenerationOptions options)
    {
        _model = model;
        _options = options;
        _unread = [ByteLevelBpeTokenizer.EosTokenId, .. tokenizer.Encode(prompt)];
        _sampler = new TokenSampler(options, IsAllowed);
        _sampler.AddHistory(_unread.AsSpan(1));
        _decoder = tokenizer.CreateStreamDecoder();
        _filter = new StopSequenceFilter(options.StopSequences);
        _state = model.StartDecoding();

        // No special token but the end of the text.
        bool IsAllowed(int token)
            => token == ByteLevelBpeTokenizer.EosTokenId || (token < tokenizer.VocabSize && !tokenizer.IsSpecialToken(token));
    }

    /// <summary>Generates the next token.</summary>
    /// <param name="cancellationToken">Checked before the token, and between pieces of a long prompt.</param>
    /// <returns>The text that the token completes, which may be empty; null after the end of the text.</returns>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public string? Next(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_isEnded)
            return null;
        int token = _sampler.Next(Logits(cancellationToken));
        _generated++;
        _unread = [token];
        if (token == ByteLevelBpeTokenizer.EosTokenId)
            return End("");
        string text = _filter.Append(_decoder.Append(token));
        return _filter.IsStopped || _generated == _options.MaxTokens ? End(text) : text;
    }

    public void Dispose() => _state.Dispose();

    // The bytes of an incomplete character are left out.
    private string End(string text)
    {
        _isEnded = true;
        return text + _filter.Flush();
    }

    private float[] Logits(CancellationToken cancellationToken)
    {
        using var noGradient = no_grad();
        for (int start = 0; ; start += PromptPiece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            int end = Math.Min(_unread.Length, start + PromptPiece);
            long[] piece = Array.ConvertAll(_unread[start..end], id => (long)id);
            var ids = tensor(piece, [1, end - start], device: _model.Encoder.TokenEmbeddings.device);
            var logits = _model.Decode(ids, _state);
            if (end == _unread.Length)
                return logits.select(0, 0).to(ScalarType.Float32).cpu().data<float>().ToArray();
        }
    }
}
