using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Benchmarks.Blocks;

// B batch, N length, D width, H heads, K head dim

/// <summary>
/// A pre-norm transformer block as a user of TorchSharp would write it, with libtorch's fused attention: the reference for the times of Maha's blocks.
/// </summary>
internal sealed class FusedBlock : Module<Tensor, Tensor>
{
    private readonly LayerNorm _attentionNorm;
    private readonly Linear _input;
    private readonly Linear _output;
    private readonly LayerNorm _feedForwardNorm;
    private readonly Linear _expand;
    private readonly Linear _contract;
    private readonly long _numHeads;

    public FusedBlock(long dModel, long numHeads) : base(nameof(FusedBlock))
    {
        _numHeads = numHeads;
        _attentionNorm = LayerNorm(dModel);
        _input = Linear(dModel, 3 * dModel);
        _output = Linear(dModel, dModel);
        _feedForwardNorm = LayerNorm(dModel);
        _expand = Linear(dModel, 4 * dModel);
        _contract = Linear(4 * dModel, dModel);
        RegisterComponents();
    }

    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        long batch = x.shape[0], length = x.shape[1], width = x.shape[2];
        var heads = _input.call(_attentionNorm.call(x))
            .reshape(batch, length, 3, _numHeads, width / _numHeads)
            .permute(2, 0, 3, 1, 4)
            .unbind(0); // 3 x [B, H, N, K]
        var attended = functional.scaled_dot_product_attention(heads[0], heads[1], heads[2]).transpose(1, 2).reshape(batch, length, width); // [B, N, D]
        var attendedTo = x + _output.call(attended);
        return (attendedTo + _contract.call(functional.gelu(_expand.call(_feedForwardNorm.call(attendedTo))))).MoveToOuterDisposeScope();
    }
}
