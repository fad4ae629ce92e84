using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Benchmarks.Binding;

// B batch, N length, D width, H heads, K head dim

/// <summary>A small pre-norm transformer block, written the way a user would; <see cref="PythonPeer"/> has the same in Python.</summary>
internal sealed class TransformerBlock : Module<Tensor, Tensor>
{
    private readonly LayerNorm _attentionNorm;
    private readonly Linear _input;
    private readonly Linear _output;
    private readonly LayerNorm _feedForwardNorm;
    private readonly Linear _expand;
    private readonly Linear _contract;
    private readonly long _numHeads;

    public TransformerBlock(long dModel, long numHeads) : base(nameof(TransformerBlock))
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
        long batchSize = x.shape[0], length = x.shape[1], dModel = x.shape[2], headDim = dModel / _numHeads;

        Tensor[] heads = _input.call(_attentionNorm.call(x))
            .reshape(batchSize, length, 3, _numHeads, headDim)
            .permute(2, 0, 3, 1, 4)
            .unbind(0); // 3 x [B, H, N, K]
        Tensor weights = (heads[0].matmul(heads[1].transpose(-2, -1)) * (1 / Math.Sqrt(headDim))).softmax(-1); // [B, H, N, N]
        Tensor attended = weights.matmul(heads[2]).transpose(1, 2).reshape(batchSize, length, dModel); // [B, N, D]
        Tensor afterAttention = x + _output.call(attended);
        Tensor result = afterAttention + _contract.call(functional.gelu(_expand.call(_feedForwardNorm.call(afterAttention))));
        return result.MoveToOuterDisposeScope();
    }
}
