using Maha.Layers.Attention;
using Maha.Layers.Blocks;
using Maha.Layers.Core;
using Maha.Layers.Weights;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B documents, N length, D width, C states of a document, S windows, W window length

/// <summary>
/// Reads documents of any length: a pretrained encoder reads windows, whose tokens are averaged to states, and blocks attend over the states of the whole
/// document.
/// </summary>
/// <remarks>
/// A window is exactly what the encoder was trained on; the attention over the document costs the kind's own order over N / chunk length states. Without
/// gradients the windows pass the encoder in groups, so that a document of 100,000 tokens needs the memory of a few windows and of its states.
/// </remarks>
internal sealed class WindowedEncoder : Module<Tensor, Tensor?, EncodedStates>
{
    // The most tokens that pass the encoder at a time where no gradient is needed: enough for the speed of a processor's caches, and for a GPU's.
    private const int MaxTokensOnProcessor = 2048;
    private const int MaxTokensOnGpu = 65536;

    // Fewer tokens take a GPU as long as these, so that padding costs nothing.
    private const int MinTokensOnProcessor = 512;
    private const int MinTokensOnGpu = 16384;

    // The prefix of the names of the encoder's weights.
    private const string EncoderName = "encoder.";

    [ComponentName(Name = "encoder")] private readonly MahaEncoder _encoder;
    [ComponentName(Name = "blocks")] private readonly ModuleList<MahaBlock>? _blocks;
    [ComponentName(Name = "final_norm")] private readonly LayerNorm? _finalNorm;
    private readonly MahaTransformerOptions? _document;

    /// <summary>Creates an encoder with random weights.</summary>
    /// <param name="encoder">The shape of the encoder of the windows.</param>
    /// <param name="options">The shape of the windows and of what follows the encoder.</param>
    /// <exception cref="ArgumentException">The options are not valid.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public WindowedEncoder(MahaTransformerOptions encoder, WindowedEncoderOptions options) : base(TorchLibrary.EnsureLoadedFor(nameof(WindowedEncoder)))
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate(encoder);
        Options = options;
        _encoder = new MahaEncoder(encoder);
        _document = options.Document;
        if (_document is not null)
        {
            _blocks = new ModuleList<MahaBlock>([.. Enumerable.Range(0, _document.NumLayers).Select(layer => new MahaBlock(_document.OfLayer(layer)))]);
            _finalNorm = _document.FinalNorm ? LayerNorm(_document.DModel, _document.NormEpsilon) : null;
        }
        RegisterComponents();
        ModuleWeights.OutliveScopes(this);
        // Random blocks would scramble what the pretrained encoder knows.
        foreach (var block in _blocks?.AsEnumerable() ?? [])
            block.StartAsIdentity();
    }

    /// <summary>The shape of the windows and of what follows the encoder.</summary>
    public WindowedEncoderOptions Options { get; }

    /// <summary>The encoder of the windows.</summary>
    public MahaEncoder Encoder => _encoder;

    /// <summary>The most tokens that pass the encoder at a time where no gradient is needed.</summary>
    public int MaxTokens => _encoder.TokenEmbeddings.device.type == DeviceType.CPU ? MaxTokensOnProcessor : MaxTokensOnGpu;

    /// <summary>Loads the weights of the encoder and of the blocks over the document.</summary>
    /// <param name="encoder">The weights of the encoder, by name.</param>
    /// <param name="blocks">The weights of everything after the encoder, by name; null to leave them.</param>
    /// <exception cref="WeightFileException">A weight is missing, unknown, or has another shape.</exception>
    public void Load(IReadOnlyDictionary<string, Tensor> encoder, IReadOnlyDictionary<string, Tensor>? blocks)
    {
        if (blocks is null)
            ModuleWeights.Load(_encoder, encoder);
        else
            ModuleWeights.Load(this, new Dictionary<string, Tensor>(encoder.Select(pair => KeyValuePair.Create(EncoderName + pair.Key, pair.Value)).Concat(blocks)));
    }

    /// <summary>Reads a batch of documents.</summary>
    /// <param name="tokenIds">[B, N] of Int64: framed windows, see <see cref="Data.TokenWindows"/>.</param>
    /// <param name="keyPaddingMask">[B, N] of Bool, true = ignore this token; null if no token is padded.</param>
    /// <exception cref="ArgumentException">The ids or the mask have a shape, type or device that the model does not accept.</exception>
    public override EncodedStates forward(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        using var scope = NewDisposeScope();
        var windows = FindWindows(tokenIds, keyPaddingMask);
        var device = _encoder.TokenEmbeddings.device;
        // Equal windows have equal states unless dropout draws. Texts that repeat themselves, and copies of a document with one window changed, take less time.
        return Read(windows, once: !is_grad_enabled() && !training, group =>
        {
            var (ids, lengths) = windows.Tokens(group, device);
            var context = ContextOf(lengths, ids.shape[1], device);
            // All ids were checked above; the padding is 0.
            using var facts = new KnownTokens(ids, (0, _encoder.Options.VocabSize - 1), context.KeyPaddingMask, lengths);
            return (_encoder.call(ids, context), lengths);
        }).MoveToOuterDisposeScope();
    }

    /// <summary>Reads a batch of documents whose windows have passed the first layers of the encoder already.</summary>
    /// <param name="tokenIds">[B, N], as for <see cref="forward"/>.</param>
    /// <param name="keyPaddingMask">[B, N], as for <see cref="forward"/>.</param>
    /// <param name="layer">The first layer that they have not passed.</param>
    /// <param name="hidden">
    /// Returns the input of that layer, [S, W, D], padded to the longest window, for windows of the given lengths. It may be on another device and of another type
    /// than the weights.
    /// </param>
    public EncodedStates ReadFrom(Tensor tokenIds, Tensor? keyPaddingMask, int layer, Func<int[], Tensor> hidden)
    {
        using var scope = NewDisposeScope();
        var windows = FindWindows(tokenIds, keyPaddingMask);
        var all = hidden(windows.Lengths).to(_encoder.TokenEmbeddings.device).to(_encoder.TokenEmbeddings.dtype);
        return Read(windows, once: false, group =>
        {
            int[] lengths = windows.LengthsOf(group);
            var chosen = HostTensors.Create(Array.ConvertAll(group, window => (long)window), [group.Length], all.device);
            var input = all.narrow(1, 0, lengths.Max()).index_select(0, chosen);
            return (_encoder.EncodeFrom(layer, input, ContextOf(lengths, input.shape[1], input.device)), lengths);
        }).MoveToOuterDisposeScope();
    }

    /// <summary>Returns all windows of a batch as the encoder reads them.</summary>
    /// <param name="tokenIds">[B, N], as for <see cref="forward"/>.</param>
    /// <param name="keyPaddingMask">[B, N], as for <see cref="forward"/>.</param>
    /// <returns>[S, W] of Int64, padded to the longest window, and the mask of the padding.</returns>
    public (Tensor TokenIds, MixingContext Context) WindowsOf(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        var windows = FindWindows(tokenIds, keyPaddingMask);
        var (ids, lengths) = windows.Tokens([.. Enumerable.Range(0, windows.Count)], _encoder.TokenEmbeddings.device);
        return (ids, ContextOf(lengths, ids.shape[1], ids.device));
    }

    /// <summary>Computes the input of a layer of the encoder for all windows of a batch, without gradients.</summary>
    /// <param name="tokenIds">[B, N], as for <see cref="forward"/>.</param>
    /// <param name="keyPaddingMask">[B, N], as for <see cref="forward"/>.</param>
    /// <param name="layer">The layer.</param>
    /// <returns>For each group of windows: [S, W, D], the numbers of the windows in the batch, and the tokens of each. The caller disposes the tensors.</returns>
    public IEnumerable<(Tensor Hidden, int[] Windows, int[] Lengths)> EncodeUntil(Tensor tokenIds, Tensor? keyPaddingMask, int layer)
    {
        var windows = FindWindows(tokenIds, keyPaddingMask);
        foreach (int[] group in windows.Groups(MaxTokens, MinTokens))
            yield return (Encode(group), group, windows.LengthsOf(group));

        // No scope may be open while the caller has the result.
        Tensor Encode(int[] group)
        {
            using var noGradient = no_grad();
            using var scope = NewDisposeScope();
            var (ids, lengths) = windows.Tokens(group, _encoder.TokenEmbeddings.device);
            return _encoder.EncodeUntil(layer, ids, ContextOf(lengths, ids.shape[1], ids.device)).MoveToOuterDisposeScope();
        }
    }

    private int MinTokens => _encoder.TokenEmbeddings.device.type == DeviceType.CPU ? MinTokensOnProcessor : MinTokensOnGpu;

    private WindowBatch FindWindows(Tensor tokenIds, Tensor? keyPaddingMask)
    {
        TensorChecks.TokenIds(tokenIds, _encoder.Options.VocabSize, int.MaxValue, _encoder.TokenEmbeddings, nameof(tokenIds));
        long batch = tokenIds.shape[0], length = tokenIds.shape[1];
        if (keyPaddingMask is not null)
            TensorChecks.TokenMask(keyPaddingMask, batch, length, tokenIds, nameof(keyPaddingMask));
        int[] lengths = DocumentLengths.Read(keyPaddingMask, batch, length);
        if (KnownTokens.HostIdsOf(tokenIds) is { } known)
            return WindowBatch.Find(known, lengths, (int)length, Options);
        using var ids = tokenIds.cpu().contiguous();
        return WindowBatch.Find(ids.data<long>().ToArray(), lengths, (int)length, Options);
    }

    // once: see WindowBatch.Groups
    private EncodedStates Read(WindowBatch windows, bool once, Func<int[], (EncoderResult Encoding, int[] Lengths)> encode)
    {
        // With gradients all activations stay in memory in any case.
        var groups = windows.Groups(is_grad_enabled() ? int.MaxValue : MaxTokens, MinTokens, once);
        var means = new List<Tensor>();
        Tensor? auxiliaryLoss = null;
        foreach (int[] group in groups)
        {
            using var scope = NewDisposeScope();
            var (encoding, lengths) = encode(group);
            auxiliaryLoss = (auxiliaryLoss is null ? encoding.AuxiliaryLoss : auxiliaryLoss + encoding.AuxiliaryLoss).MoveToOuterDisposeScope();
            means.Add(windows.ChunkMeans(encoding.Features, lengths).MoveToOuterDisposeScope());
        }
        var (states, mask) = windows.ByDocument(means.Count == 1 ? means[0] : cat(means, 0), groups); // [B, C, D]
        if (_blocks is null)
            return new EncodedStates(states, mask, windows.StateSizes(), auxiliaryLoss!, []);
        var context = mask is null ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = mask };
        var result = BlockSequence.Apply(_blocks, states, context, _document!.RecomputeBlocks);
        var features = _finalNorm is null ? result.Features : _finalNorm.call(result.Features);
        return new EncodedStates(TokenMasks.Clear(features, mask), mask, windows.StateSizes(), auxiliaryLoss! + result.AuxiliaryLoss, result.Layers);
    }

    private static MixingContext ContextOf(int[] lengths, long width, Device device) =>
        lengths.All(length => length == width) ? MixingContext.Unpadded : new MixingContext { KeyPaddingMask = TokenMasks.Invalid(lengths, width, device) };
}
