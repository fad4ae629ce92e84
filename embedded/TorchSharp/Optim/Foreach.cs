using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>
/// One operator for many tensors: a handful of calls a step instead of a dozen per parameter. Works on native
/// handles, so that no managed object is made for a gradient that is needed for a moment.
/// </summary>
internal static class Foreach
{
    private static readonly Op s_zero = "_foreach_zero_(self)";
    private static readonly Op s_multiply = "_foreach_mul_.Scalar(self,scalar)";
    private static readonly Op s_divide = "_foreach_div_.Scalar(self,scalar)";
    private static readonly Op s_addNumber = "_foreach_add_.Scalar(self,scalar)";
    private static readonly Op s_add = "_foreach_add_.List(self,other,alpha)";
    private static readonly Op s_sum = "_foreach_add.List(self,other,alpha)";
    private static readonly Op s_negative = "_foreach_neg(self)";
    private static readonly Op s_root = "_foreach_sqrt(self)";
    private static readonly Op s_norm = "_foreach_norm.Scalar(self,ord)";
    private static readonly Op s_addProduct = "_foreach_addcmul_.Scalar(self,tensor1,tensor2,value)";
    private static readonly Op s_addQuotient = "_foreach_addcdiv_.Scalar(self,tensor1,tensor2,value)";

    public static void Zero(long[] self) => s_zero.Run(Arg.Handles(self));

    public static void Multiply(long[] self, double factor) => s_multiply.Run(Arg.Handles(self), factor);

    public static void Divide(long[] self, double divisor) => s_divide.Run(Arg.Handles(self), divisor);

    public static void Add(long[] self, double number) => s_addNumber.Run(Arg.Handles(self), number);

    public static void Add(long[] self, long[] other, double alpha) => s_add.Run(Arg.Handles(self), Arg.Handles(other), alpha);

    public static void AddProduct(long[] self, long[] a, long[] b, double value)
        => s_addProduct.Run(Arg.Handles(self), Arg.Handles(a), Arg.Handles(b), value);

    public static void AddQuotient(long[] self, long[] a, long[] b, double value)
        => s_addQuotient.Run(Arg.Handles(self), Arg.Handles(a), Arg.Handles(b), value);

    // New tensors, to be given to Free.
    public static long[] Sum(long[] self, long[] other, double alpha) => s_sum.Handles(Arg.Handles(self), Arg.Handles(other), alpha);

    public static long[] Negative(long[] self) => s_negative.Handles(Arg.Handles(self));

    public static long[] Root(long[] self) => s_root.Handles(Arg.Handles(self));

    public static Tensor[] Norm(long[] self, double order) => s_norm.List(Arg.Handles(self), order);

    public static void Free(long[] handles)
    {
        foreach (var handle in handles) Native.maha_tensor_free((nint)handle);
    }

    /// <summary>The gradient's handle, to be freed by the caller; 0 if there is none.</summary>
    public static long Gradient(Parameter parameter)
    {
        Native.Check(Native.maha_tensor_grad(parameter.Handle, out var handle));
        GC.KeepAlive(parameter);
        return handle;
    }

    public static long[] Gradients(IEnumerable<Parameter> parameters)
    {
        var handles = new List<long>();
        foreach (var parameter in parameters)
            if (Gradient(parameter) is not 0 and var handle) handles.Add(handle);
        return [.. handles];
    }

    public static void ZeroGradients(IEnumerable<Parameter> parameters)
    {
        var gradients = Gradients(parameters);
        if (gradients.Length == 0) return;
        using var guard = no_grad();
        try
        {
            Zero(gradients);
        }
        finally
        {
            Free(gradients);
        }
    }
}
