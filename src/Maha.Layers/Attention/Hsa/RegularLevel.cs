using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// G batch times heads, N tokens, n nodes, M families, b children of a family, cell tokens under a node

/// <summary>A level of equal families: grouping is a view, after padding of the last family.</summary>
internal sealed class RegularLevel(int nodes, int branching, long cell, int length, Device device)
    : HierarchyLevel((nodes + branching - 1) / branching, branching)
{
    // The root's family holds exactly all tokens, so that nothing is padded.
    private readonly long _tokens = nodes <= branching ? length : branching * cell;

    public override Tensor ChildOfToken => arange(_tokens, dtype: ScalarType.Int64, device: device).floor_divide(cell).view(1, -1, 1);

    public override Tensor ChildrenBefore => arange(Families, dtype: ScalarType.Int64, device: device).clamp_max(1).mul(Branching).view(-1, 1, 1);

    public override Tensor Group(Tensor nodes) => Split(nodes, Branching);

    public override Tensor Ungroup(Tensor families) => families.flatten(1, 2).narrow(1, 0, nodes);

    public override Tensor GroupTokens(Tensor tokens) => Split(tokens, _tokens);

    public override Tensor UngroupTokens(Tensor families) => families.flatten(1, 2).narrow(1, 0, length);

    private Tensor Split(Tensor rows, long size)
    {
        long missing = (Families * size) - rows.shape[1];
        if (missing > 0)
        {
            // Pairs from the last dimension down to dimension 1.
            long[] padding = new long[2 * (rows.dim() - 1)];
            padding[^1] = missing;
            rows = nn.functional.pad(rows, padding);
        }
        return rows.unflatten(1, Families, size);
    }
}
