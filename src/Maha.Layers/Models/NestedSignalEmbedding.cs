using Maha.Layers.Core;
using Maha.Layers.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Models;

// B batch, N leaves, D width, C numbers per leaf

/// <summary>Embeds leaves of several types as hidden states for blocks with hierarchical attention over the trees of the signals.</summary>
/// <remarks>
/// h_i = E_t[id_i] for a token of type t, or W_t numbers_i + b_t for numbers, plus P_t[position_i] if the type has positions. The trees are given to the
/// blocks, not to the embedding.
/// </remarks>
public sealed class NestedSignalEmbedding : Module<NestedSignal, Tensor>
{
    private readonly LeafType[] _types;
    private readonly Embedding?[] _tokens;
    private readonly Linear?[] _numbers;
    private readonly Embedding?[] _positions;

    /// <summary>Creates an embedding with random weights.</summary>
    /// <param name="dModel">D, the width of the blocks. From 1 to 65,536.</param>
    /// <param name="types">The types, at least one, with different names.</param>
    /// <exception cref="ArgumentException">The width or a type is not valid, or two types have the same name.</exception>
    /// <exception cref="TorchUnavailableException">TorchSharp's native library can't be loaded.</exception>
    public NestedSignalEmbedding(int dModel, params IReadOnlyList<LeafType> types) : base(TorchLibrary.EnsureLoadedFor(nameof(NestedSignalEmbedding)))
    {
        ArgumentNullException.ThrowIfNull(types);
        TensorChecks.InRange(dModel, 1, 1 << 16, nameof(dModel), "Use the width of the blocks.");
        if (types.Count == 0)
            throw new ArgumentException("types must hold at least one type of leaf, but hold none.", nameof(types));
        foreach (var type in types)
        {
            ArgumentNullException.ThrowIfNull(type, nameof(types));
            type.Validate();
        }
        if (types.GroupBy(type => type.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ArgumentException($"Types must have different names, but '{twice.Key}' is there {twice.Count()} times. Rename one.", nameof(types));
        _types = [.. types];
        _tokens = [.. types.Select(type => type.VocabSize is { } size ? Embedding(size, dModel) : null)];
        _numbers = [.. types.Select(type => type.Channels is { } channels ? Linear(channels, dModel) : null)];
        _positions = [.. types.Select(type => type.MaxPositions > 0 ? Embedding(type.MaxPositions, dModel) : null)];

        // Registered explicitly: TorchSharp's reflection does not look into arrays, and the names are those of the types.
        for (int type = 0; type < _types.Length; type++)
        {
            if (_tokens[type] is { } tokens)
                register_module($"{_types[type].Name}_tokens", tokens);
            if (_numbers[type] is { } numbers)
                register_module($"{_types[type].Name}_numbers", numbers);
            if (_positions[type] is { } positions)
                register_module($"{_types[type].Name}_positions", positions);
        }
        ModuleWeights.OutliveScopes(this);
    }

    /// <summary>Embeds a batch.</summary>
    /// <param name="signal">The leaves.</param>
    /// <returns>[B, N, D].</returns>
    /// <exception cref="ArgumentException">A tensor is missing or has another shape or type, or a type, id or position is out of range.</exception>
    public override Tensor forward(NestedSignal signal)
    {
        ArgumentNullException.ThrowIfNull(signal);
        Check(signal.Types, nameof(signal.Types), _types.Length, null, parameters().First());
        using var scope = NewDisposeScope();
        Tensor? hidden = null;
        for (int type = 0; type < _types.Length; type++)
        {
            var others = signal.Types.ne(type); // [B, N]
            Tensor embedded; // [B, N, D]
            if (_tokens[type] is { } tokens)
            {
                var ids = IndicesOfType(signal.TokenIds, nameof(signal.TokenIds), others, _types[type].VocabSize!.Value);
                embedded = tokens.call(ids);
            }
            else
            {
                embedded = _numbers[type]!.call(NumbersOfType(signal, others, _types[type].Channels!.Value, _numbers[type]!));
            }
            if (_positions[type] is { } positions)
                embedded = embedded + positions.call(IndicesOfType(signal.Positions, nameof(signal.Positions), others, _types[type].MaxPositions));
            embedded = embedded.masked_fill(others.unsqueeze(-1), 0);
            hidden = hidden is null ? embedded : hidden + embedded;
        }
        return hidden!.MoveToOuterDisposeScope();
    }

    // Leaves of other types may hold any value, so they are set to 0 before the check.
    private static Tensor IndicesOfType(Tensor? values, string name, Tensor others, int count)
    {
        if (values is null)
            throw new ArgumentException($"{name} must be given for the types of this embedding, but is null.", name);
        TensorChecks.Alive(values, name);
        TensorChecks.SameDevice(values, others, name, "Types");
        if (!values.shape.AsSpan().SequenceEqual(others.shape))
        {
            throw new ArgumentException(
                $"{name} must have the shape {TensorChecks.Show(others.shape)} of Types, but has {TensorChecks.Show(values.shape)}.", name);
        }
        var own = values.masked_fill(others, 0);
        Check(own, name, count, others.shape, others);
        return own;
    }

    private static Tensor NumbersOfType(NestedSignal signal, Tensor others, int channels, Linear projection)
    {
        if (signal.Numbers is not { } numbers)
            throw new ArgumentException("Numbers must be given for the types of this embedding, but is null.", nameof(signal));
        TensorChecks.Alive(numbers, nameof(signal.Numbers));
        if (numbers.dim() != 3 || numbers.shape[0] != others.shape[0] || numbers.shape[1] != others.shape[1] || numbers.shape[2] < channels)
        {
            throw new ArgumentException(
                $"Numbers must have the shape [{others.shape[0]}, {others.shape[1]}, at least {channels}], but has {TensorChecks.Show(numbers.shape)}.",
                nameof(signal));
        }
        TensorChecks.SameKind(numbers, projection.weight!, nameof(signal.Numbers));
        return numbers.narrow(2, 0, channels).masked_fill(others.unsqueeze(-1), 0);
    }

    // An index outside a table throws on the CPU, but on CUDA it is a failed assertion that makes the context unusable.
    private static void Check(Tensor indices, string name, int count, long[]? shape, Tensor like)
    {
        TensorChecks.Alive(indices, name);
        TensorChecks.SameDevice(indices, like, name);
        if (indices.dtype != ScalarType.Int64 || indices.dim() != 2 || indices.numel() == 0)
        {
            throw new ArgumentException(
                $"{name} must hold Int64 of the shape {(shape is null ? "[batch, leaves]" : TensorChecks.Show(shape))}, " +
                $"but holds {indices.dtype} of {TensorChecks.Show(indices.shape)}.",
                name);
        }
        using var least = indices.min();
        using var largest = indices.max();
        long low = least.item<long>(), high = largest.item<long>();
        if (low < 0 || high >= count)
            throw new ArgumentException($"{name} must lie in [0, {count}), but lie in [{low}, {high}].", name);
    }
}
