using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Text;
using static TorchSharp.torch;

namespace Maha.Layers.Generation;

/// <summary>One text that is being generated: the cache, the draws, the text that waits.</summary>
internal sealed class GeneratedText : IDisposable
{
    // Tokens of a prompt that are taken up between two looks for a cancellation.
    private const int PromptPiece = 4096;

    private readonly MahaLanguageModel _model;
    private readonly GenerationOptions _options;
    private readonly DecoderState _state;
    private readonly TokenSampler _sampler;
    private readonly TokenStreamDecoder _decoder;
    private readonly StopSequenceFilter _filter;
    private int[] _next; // not taken up yet
    private int _generated;
    private bool _ended;

    public GeneratedText(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer, string prompt, GenerationOptions options)
    {
        _model = model;
        _options = options;
        _next = [ByteLevelBpeTokenizer.EosTokenId, .. tokenizer.Encode(prompt)];
        _sampler = new TokenSampler(options, token => token == ByteLevelBpeTokenizer.EosTokenId || (token < tokenizer.VocabSize && !tokenizer.IsSpecialToken(token)));
        _sampler.See(_next.AsSpan(1));
        _decoder = tokenizer.CreateStreamDecoder();
        _filter = new StopSequenceFilter(options.StopSequences);
        _state = model.StartDecoding();
    }

    /// <summary>The text that the next token completes, mostly a word, sometimes nothing; null at the end.</summary>
    /// <exception cref="OperationCanceledException">The generation was canceled.</exception>
    public string? Next(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_ended)
            return null;
        int token = _sampler.Next(Logits(cancellationToken));
        _generated++;
        _next = [token];
        if (token == ByteLevelBpeTokenizer.EosTokenId)
            return End("");
        string text = _filter.Append(_decoder.Append(token));
        return _filter.IsStopped || _generated == _options.MaxTokens ? End(text) : text;
    }

    public void Dispose() => _state.Dispose();

    // The bytes of a character that was not completed are left out.
    private string End(string text)
    {
        _ended = true;
        return text + _filter.Flush();
    }

    private float[] Logits(CancellationToken cancellationToken)
    {
        using var noGradient = no_grad();
        for (int start = 0; ; start += PromptPiece)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            int end = Math.Min(_next.Length, start + PromptPiece);
            var ids = tensor(Array.ConvertAll(_next[start..end], id => (long)id), [1, end - start], device: _model.Encoder.TokenEmbeddings.device);
            var logits = _model.Decode(ids, _state);
            if (end == _next.Length)
                return logits.select(0, 0).to(ScalarType.Float32).cpu().data<float>().ToArray();
        }
    }
}
