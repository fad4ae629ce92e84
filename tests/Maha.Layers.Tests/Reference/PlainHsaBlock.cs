using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Layers.Tests.Reference;

// B documents, N tokens with padding, n tokens of a document, D width, H heads, K = D / H, b children of a node

/// <summary>One HSA block without kernels, masks and dropout: the slow equivalent of MahaBlock with HSA attention.</summary>
internal sealed class PlainHsaBlock(IReadOnlyDictionary<string, Tensor> weights, int numHeads, int branching)
{
    /// <summary>Applies the block to x [B, N, D], whose document b has lengths[b] tokens followed by padding.</summary>
    public Tensor Forward(Tensor x, int[] lengths)
    {
        // Every document is mixed on its own, so that padding can't have an effect.
        var mixed = lengths.Select((n, b) => Pad(Mix(x[b].narrow(0, 0, n)), x.shape[1])); // B x [N, D]
        var y = LayerNorm(x + stack(mixed), "mixer_norm"); // [B, N, D]
        return LayerNorm(y + FeedForward(y), "feed_forward_norm"); // [B, N, D]
    }

    private Tensor Mix(Tensor x)
    {
        // As in standard attention.
        var queries = SplitHeads(Linear(x, "mixer.q_proj")); // [n, H, K]
        var keys = SplitHeads(Linear(x, "mixer.k_proj")); // [n, H, K]
        var values = SplitHeads(Linear(x, "mixer.v_proj")); // [n, H, K]

        // The tree: tokens, blocks of b tokens, blocks of b blocks, up to one root.
        Node[] nodes = [.. Enumerable.Range(0, (int)x.shape[0]).Select(i => Leaf(queries[i], keys[i], values[i]))];
        while (nodes.Length > 1)
        {
            nodes = [.. nodes.Chunk(branching).Select(Parent)];
        }

        // Every token begins with output 0 and mass 1, and collects values on the way down to it.
        var (output, mass) = (zeros_like(values[0]), ones([numHeads, 1], values.dtype)); // [H, K], [H, 1]
        var attended = stack(Descend(nodes[0], output, mass)).flatten(1); // [n, D]
        return Linear(attended, "mixer.out_proj"); // [n, D]
    }

    // Of the tokens below a node: mean query, key and value [H, K], and number. Of the node: phi [H], and the attention
    // between its children [H, b, b], null for a token.
    private sealed record Node(Tensor Query, Tensor Key, Tensor Value, long Size, Tensor Phi, Tensor? Attention, Node[] Children);

    // A token attends to itself with the logit of standard attention, so phi is its negative.
    private static Node Leaf(Tensor query, Tensor key, Tensor value) =>
        new(query, key, value, 1, -(query * key).sum([-1]) / Math.Sqrt(query.shape[^1]), null, []);

    private static Node Parent(Node[] children)
    {
        var query = stack(children.Select(child => child.Query), 1); // [H, b, K]
        var key = stack(children.Select(child => child.Key), 1); // [H, b, K]
        var value = stack(children.Select(child => child.Value), 1); // [H, b, K]
        var childPhi = stack(children.Select(child => child.Phi), 1); // [H, b]
        var size = tensor([.. children.Select(child => (double)child.Size)]).to(query.dtype); // [b]

        // Theorem 3.2. From a child B to a sibling C: l(B, C) = log|C| + mean query of B . mean key of C / sqrt(K).
        // From B to its own tokens: l(B, B) = -phi(B).
        var siblings = query.matmul(key.transpose(1, 2)) / Math.Sqrt(query.shape[^1]) + size.log(); // [H, b, b]
        var logits = (-childPhi).unsqueeze(-1).where(Diagonal(children.Length), siblings); // [H, b, b]
        var attention = logits.softmax(-1); // [H, b, b]

        // phi(A) = -sum over the children B of |B| / |A| log-sum-exp of l(B, .)
        var share = size / size.sum(); // [b]
        var phi = -(share * logits.logsumexp(-1)).sum([-1]); // [H]
        return new Node(Mean(query), Mean(key), Mean(value), children.Sum(child => child.Size), phi, attention, children);

        Tensor Mean(Tensor rows) => (share.unsqueeze(-1) * rows).sum([1]); // [H, b, K] to [H, K]
    }

    /// <summary>The outputs of the tokens below a node, each [H, K]; output and mass come from the node's ancestors.</summary>
    private static IEnumerable<Tensor> Descend(Node node, Tensor output, Tensor mass)
    {
        if (node.Attention is null)
        {
            return [output + mass * node.Value]; // a token gives the mass that is left to its own value
        }

        // o(B) = o(A) + mass(A) * sum over the siblings C of t(B, C) v_C      mass(B) = mass(A) t(B, B)
        var value = stack(node.Children.Select(child => child.Value), 1); // [H, b, K]
        var fromSiblings = node.Attention.masked_fill(Diagonal(node.Children.Length), 0).matmul(value); // [H, b, K]
        var kept = node.Attention.diagonal(0, 1, 2).unsqueeze(-1); // [H, b, 1]
        return node.Children.SelectMany((child, i) =>
            Descend(child, output + mass * fromSiblings.select(1, i), mass * kept.select(1, i)));
    }

    private static Tensor Diagonal(int size) => eye(size, dtype: ScalarType.Bool);

    private Tensor SplitHeads(Tensor x) => x.reshape(x.shape[0], numHeads, -1); // [n, D] to [n, H, K]

    private Tensor FeedForward(Tensor x) =>
        Linear(functional.gelu(Linear(x, "feed_forward.expand")), "feed_forward.contract"); // [B, N, D], inside [B, N, F]

    private Tensor Linear(Tensor x, string name) => functional.linear(x, weights[$"{name}.weight"], weights[$"{name}.bias"]);

    private Tensor LayerNorm(Tensor x, string name) =>
        functional.layer_norm(x, [x.shape[^1]], weights[$"{name}.weight"], weights[$"{name}.bias"], eps: 1e-5);

    private static Tensor Pad(Tensor x, long length) => functional.pad(x, [0, 0, 0, length - x.shape[0]]);
}
