using Maha.Layers.Core;
using Maha.Layers.Kernels;
using Maha.Layers.Trees;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, N length, D width, H heads, K head dim

/// <summary>The differentiable call of the tree kernels.</summary>
/// <remarks>
/// Arguments: query, key, value [B, N, D] of float32, one plan per document (null for a document without tokens), heads, form. It saves only the operands: the
/// backward pass computes the weights again.
/// </remarks>
internal sealed unsafe class TreeAttentionFunction : SingleOutputFunction<TreeAttentionFunction>
{
    private const string PlansKey = "plans";
    private const string HeadsKey = "heads";
    private const string FormKey = "form";

    /// <summary>Computes hierarchical attention, [B, N, D]; 0 after a document's tokens.</summary>
    public static Tensor Apply(Tensor query, Tensor key, Tensor value, TreePlan?[] plans, int numHeads, HierarchicalForm form) =>
        CallContiguous(query, key, value, plans, numHeads, form);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (query, key, value) = ((Tensor)arguments[0], (Tensor)arguments[1], (Tensor)arguments[2]);
        var (plans, heads, form) = ((TreePlan?[])arguments[3], (int)arguments[4], (HierarchicalForm)arguments[5]);
        long length = query.shape[1], width = query.shape[2];
        int headDim = (int)width / heads;
        float scale = 1 / MathF.Sqrt(headDim);
        var output = empty_like(query);
        float* q = TensorMemory.Pointer<float>(query), k = TensorMemory.Pointer<float>(key), v = TensorMemory.Pointer<float>(value);
        float* o = TensorMemory.Pointer<float>(output);
        KernelThreads.For(plans.Length * heads, get_num_threads(), piece =>
        {
            var plan = plans[piece / heads];
            long first = (piece / heads * length * width) + (piece % heads * headDim);
            ClearPadding(plan, length, o + first, (nint)width, headDim);
            if (plan is not null && form == HierarchicalForm.Optimal)
                OptimalTreeKernel.Forward(plan, headDim, scale, q + first, k + first, v + first, (nint)width, o + first);
            else if (plan is not null)
                KeyTiedKernel.Forward(plan, form, headDim, scale, q + first, k + first, v + first, (nint)width, o + first);
        });
        GC.KeepAlive(query);
        GC.KeepAlive(key);
        GC.KeepAlive(value);
        ctx.save_for_backward([query, key, value]);
        ctx.save_data(PlansKey, plans);
        ctx.save_data(HeadsKey, heads);
        ctx.save_data(FormKey, form);
        return output;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var (plans, heads, form) = ((TreePlan?[])ctx.get_data(PlansKey), (int)ctx.get_data(HeadsKey), (HierarchicalForm)ctx.get_data(FormKey));
        long length = saved[0].shape[1], width = saved[0].shape[2];
        int headDim = (int)width / heads;
        float scale = 1 / MathF.Sqrt(headDim);
        var upstream = gradient.contiguous();
        var (queryGradient, keyGradient, valueGradient) = (zeros_like(saved[0]), zeros_like(saved[1]), zeros_like(saved[2]));
        float* q = TensorMemory.Pointer<float>(saved[0]), k = TensorMemory.Pointer<float>(saved[1]), v = TensorMemory.Pointer<float>(saved[2]);
        float* dq = TensorMemory.Pointer<float>(queryGradient), dk = TensorMemory.Pointer<float>(keyGradient), dv = TensorMemory.Pointer<float>(valueGradient);
        float* o = TensorMemory.Pointer<float>(upstream);
        KernelThreads.For(plans.Length * heads, get_num_threads(), piece =>
        {
            var plan = plans[piece / heads];
            long first = (piece / heads * length * width) + (piece % heads * headDim);
            if (plan is not null && form == HierarchicalForm.Optimal)
            {
                OptimalTreeGradientKernel.Backward(
                    plan, headDim, scale, q + first, k + first, v + first, (nint)width, o + first, dq + first, dk + first, dv + first);
            }
            else if (plan is not null)
            {
                KeyTiedGradientKernel.Backward(
                    plan, form, headDim, scale, q + first, k + first, v + first, (nint)width, o + first, dq + first, dk + first, dv + first);
            }
        });
        GC.KeepAlive(upstream);
        return [queryGradient, keyGradient, valueGradient, null, null, null];
    }

    private static void ClearPadding(TreePlan? plan, long length, float* head, nint stride, int headDim)
    {
        for (long token = plan?.Length ?? 0; token < length; token++)
            RowMath.Clear(head + (token * stride), headDim);
    }
}
