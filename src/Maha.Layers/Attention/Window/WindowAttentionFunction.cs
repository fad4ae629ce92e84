using Maha.Layers.Core;
using Maha.Layers.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N tokens, D width

/// <summary>The differentiable call of the windowed attention kernels.</summary>
/// <remarks>Arguments: queriesAndKeys [B, N, 2D], values [B, N, D], <see cref="WindowPlan"/>, valid lengths.</remarks>
internal sealed unsafe class WindowAttentionFunction : SingleOutputFunction<WindowAttentionFunction>
{
    private const string PlanKey = "plan";
    private const string LengthsKey = "lengths";

    /// <summary>Computes softmax(q k^T / sqrt(K)) v in windows, [B, N, D].</summary>
    public static Tensor Apply(Tensor queriesAndKeys, Tensor values, WindowPlan plan, int[] validLengths) =>
        CallContiguous(queriesAndKeys, values, plan, validLengths);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (packed, values, plan, lengths) = ((Tensor)arguments[0], (Tensor)arguments[1], (WindowPlan)arguments[2], (int[])arguments[3]);
        var output = empty_like(values);
        var logs = empty([plan.Batch, plan.Heads, plan.Length], values.dtype);
        int threads = get_num_threads();
        if (values.dtype == ScalarType.Float32)
        {
            var rows = new Operands<float>(packed, values);
            WindowAttentionKernel.Forward(
                plan, lengths, rows.Queries, rows.Keys, rows.Values, Rows<float>(output), TensorMemory.Pointer<float>(logs), threads);
        }
        else
        {
            var rows = new Operands<double>(packed, values);
            RowWindowAttentionKernel.Forward(
                plan, lengths, rows.Queries, rows.Keys, rows.Values, Rows<double>(output), TensorMemory.Pointer<double>(logs), threads);
        }
        GC.KeepAlive(packed);
        GC.KeepAlive(values);
        ctx.save_for_backward([packed, values, logs]);
        ctx.save_data(PlanKey, plan);
        ctx.save_data(LengthsKey, lengths);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (packed, values, logs) = (saved[0], saved[1], saved[2]);
        var (plan, lengths) = ((WindowPlan)ctx.get_data(PlanKey), (int[])ctx.get_data(LengthsKey));
        var upstream = gradient.contiguous();
        var packedGradient = zeros_like(packed);
        var valueGradient = zeros_like(values);
        int threads = get_num_threads();
        if (values.dtype == ScalarType.Float32)
        {
            var rows = new Operands<float>(packed, values);
            var gradients = new Operands<float>(packedGradient, valueGradient);
            WindowAttentionGradientKernel.Backward(
                plan, lengths, rows.Queries, rows.Keys, rows.Values, TensorMemory.Pointer<float>(logs), Rows<float>(upstream),
                gradients.Queries, gradients.Keys, gradients.Values, threads);
        }
        else
        {
            var rows = new Operands<double>(packed, values);
            var gradients = new Operands<double>(packedGradient, valueGradient);
            RowWindowAttentionKernel.Backward(
                plan, lengths, rows.Queries, rows.Keys, rows.Values, TensorMemory.Pointer<double>(logs), Rows<double>(upstream),
                gradients.Queries, gradients.Keys, gradients.Values, threads);
        }
        return [packedGradient, valueGradient, null, null];
    }

    private static TokenRows<T> Rows<T>(Tensor tensor)
        where T : unmanaged => new(TensorMemory.Pointer<T>(tensor), (nint)tensor.shape[2]);

    // Queries are the first half of a packed row, keys the second.
    private readonly struct Operands<T>(Tensor packed, Tensor values)
        where T : unmanaged
    {
        public readonly TokenRows<T> Queries = new(TensorMemory.Pointer<T>(packed), (nint)packed.shape[2]);
        public readonly TokenRows<T> Keys = new(TensorMemory.Pointer<T>(packed) + values.shape[2], (nint)packed.shape[2]);
        public readonly TokenRows<T> Values = new(TensorMemory.Pointer<T>(values), (nint)values.shape[2]);
    }
}
