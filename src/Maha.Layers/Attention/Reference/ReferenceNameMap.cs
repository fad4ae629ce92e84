using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>Translates the names in the state dict of the published PyTorch code into those of this library.</summary>
/// <remarks>
/// <para>Names of a block. In a model, the names of layer i begin with <c>layers.i.</c> in the published code and with <c>encoder.blocks.i.</c> in this
/// library.</para>
/// <list type="table">
/// <item><term>dilated_conv.0.*</term><description>mixer.local_conv.*</description></item>
/// <item><term>decomposition.downsamplers.s.*</term><description>mixer.decomposition.downsamplers.s.*</description></item>
/// <item><term>attention.decomposition.downsamplers.s.*</term>
/// <description>the same module under its second name: dropped after a check that the values are equal</description></item>
/// <item><term>attention.q_projs.s.*, attention.k_projs.s.*</term><description>mixer.attention.q_projs.s.*, mixer.attention.k_projs.s.*</description></item>
/// <item><term>attention.shared_v_proj.*</term><description>mixer.attention.v_proj.*</description></item>
/// <item><term>aggregation.convex_logits</term>
/// <description>mixer.aggregation.logits with <see cref="AggregationKind.Softmax"/>; otherwise dropped, since it is never read</description></item>
/// <item><term>aggregation.utility_proj.*</term><description>dropped: the published code never reads it</description></item>
/// <item><term>norm1.*, norm2.*</term><description>mixer_norm.*, feed_forward_norm.*</description></item>
/// <item><term>ffn.0.*, ffn.3.*</term><description>feed_forward.expand.*, feed_forward.contract.*</description></item>
/// </list>
/// <para>Names of the model: token_emb, pos_emb and final_norm are encoder.token_embedding, encoder.position_embedding and encoder.final_norm;
/// classifier is the head of <see cref="Models.MahaTokenModel"/>.</para>
/// </remarks>
internal static class ReferenceNameMap
{
    private const string SharedDecomposition = "attention.decomposition.";

    // Prefixes of names: the published prefix is replaced by that of this library.
    private static readonly (string Published, string Own)[] s_blockNames =
    [
        ("dilated_conv.0.", "mixer.local_conv."),
        ("decomposition.", "mixer.decomposition."),
        (SharedDecomposition, "mixer.decomposition."),
        ("attention.q_projs.", "mixer.attention.q_projs."),
        ("attention.k_projs.", "mixer.attention.k_projs."),
        ("attention.shared_v_proj.", "mixer.attention.v_proj."),
        ("aggregation.convex_logits", "mixer.aggregation.logits"),
        ("norm1.", "mixer_norm."),
        ("norm2.", "feed_forward_norm."),
        ("ffn.0.", "feed_forward.expand."),
        ("ffn.3.", "feed_forward.contract."),
    ];

    private static readonly (string Published, string Own)[] s_modelNames =
    [
        ("token_emb.", "encoder.token_embedding."),
        ("pos_emb.", "encoder.position_embedding."),
        ("final_norm.", "encoder.final_norm."),
        ("classifier.", "head."),
    ];

    /// <summary>Translates the state of a published block for a <see cref="Blocks.MahaBlock"/>.</summary>
    /// <param name="state">The published names and their tensors.</param>
    /// <param name="aggregation">The aggregation of the block to load.</param>
    /// <returns>The names of this library and the same tensors.</returns>
    /// <exception cref="WeightFileException">A name is unknown, or the two names of the shared decomposition hold different values.</exception>
    public static Dictionary<string, Tensor> ForBlock(IReadOnlyDictionary<string, Tensor> state, AggregationKind aggregation) =>
        Translate(state, name => BlockName(name, aggregation));

    /// <summary>Translates the state of the published transformer for a <see cref="Models.MahaTokenModel"/>.</summary>
    /// <param name="state">The published names and their tensors.</param>
    /// <param name="aggregation">The aggregation of the model to load.</param>
    /// <returns>The names of this library and the same tensors.</returns>
    /// <exception cref="WeightFileException">A name is unknown, or the two names of a shared decomposition hold different values.</exception>
    public static Dictionary<string, Tensor> ForTransformer(IReadOnlyDictionary<string, Tensor> state, AggregationKind aggregation) =>
        Translate(state, name => ModelName(name, aggregation));

    /// <summary>Returns the name for a published name of a block; null for tensors that the published code never reads.</summary>
    internal static string? BlockName(string name, AggregationKind aggregation)
    {
        if (name.StartsWith("aggregation.utility_proj.", StringComparison.Ordinal))
            return null;
        if (name == "aggregation.convex_logits" && aggregation != AggregationKind.Softmax)
            return null;
        return Replace(name, s_blockNames) ?? throw Unknown(name);
    }

    /// <summary>Returns the name for a published name of a model; null for tensors that the published code never reads.</summary>
    internal static string? ModelName(string name, AggregationKind aggregation)
    {
        const string layers = "layers.";
        if (!name.StartsWith(layers, StringComparison.Ordinal))
            return Replace(name, s_modelNames) ?? throw Unknown(name);
        int end = name.IndexOf('.', layers.Length);
        if (end < 0)
            throw Unknown(name);
        string? inBlock = BlockName(name[(end + 1)..], aggregation);
        return inBlock is null ? null : $"encoder.blocks.{name[layers.Length..end]}.{inBlock}";
    }

    private static Dictionary<string, Tensor> Translate(IReadOnlyDictionary<string, Tensor> state, Func<string, string?> translate)
    {
        ArgumentNullException.ThrowIfNull(state);
        var translated = new Dictionary<string, Tensor>(state.Count);
        var origins = new Dictionary<string, string>(state.Count);
        foreach (var (name, tensor) in state)
        {
            if (translate(name) is not { } target)
                continue;
            if (!translated.TryAdd(target, tensor))
            {
                if (!EqualValues(translated[target], tensor))
                {
                    throw new WeightFileException(
                        $"The two names of a shared parameter must hold equal values, but {SafetensorsHeader.Quote(origins[target])} and " +
                        $"{SafetensorsHeader.Quote(name)} differ. The state was not saved by the published code.");
                }
                continue;
            }
            origins.Add(target, name);
        }
        return translated;
    }

    private static bool EqualValues(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        return a.dtype == b.dtype && a.shape.AsSpan().SequenceEqual(b.shape) && a.cpu().eq(b.cpu()).all().item<bool>();
    }

    private static string? Replace(string name, (string Published, string Own)[] names)
    {
        foreach (var (published, own) in names)
        {
            if (name.StartsWith(published, StringComparison.Ordinal))
                return own + name[published.Length..];
        }
        return null;
    }

    private static WeightFileException Unknown(string name) => new(
        $"Every name must be one of the published code's state dict, but {SafetensorsHeader.Quote(name)} is not. " +
        "Remove it, or load the file without the name map if it was saved by this library.");
}
