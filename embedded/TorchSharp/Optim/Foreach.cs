using System.Runtime.InteropServices;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>
/// One operator for many tensors: a handful of calls a step instead of a dozen per parameter. Works on native
/// handles, so that no managed object is made for a gradient that is needed for a moment.
/// </summary>
internal static unsafe class Foreach
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

    [ThreadStatic] private static List<long> s_gradients;

    public static void Zero(ReadOnlySpan<long> self)
    {
        fixed (long* p = self) s_zero.Run(Arg.Handles(p, self.Length));
    }

    public static void Multiply(ReadOnlySpan<long> self, double factor)
    {
        fixed (long* p = self) s_multiply.Run(Arg.Handles(p, self.Length), factor);
    }

    public static void Divide(ReadOnlySpan<long> self, double divisor)
    {
        fixed (long* p = self) s_divide.Run(Arg.Handles(p, self.Length), divisor);
    }

    public static void Add(ReadOnlySpan<long> self, double number)
    {
        fixed (long* p = self) s_addNumber.Run(Arg.Handles(p, self.Length), number);
    }

    public static void Add(ReadOnlySpan<long> self, ReadOnlySpan<long> other, double alpha)
    {
        fixed (long* p = self, q = other) s_add.Run(Arg.Handles(p, self.Length), Arg.Handles(q, other.Length), alpha);
    }

    public static void AddProduct(ReadOnlySpan<long> self, ReadOnlySpan<long> a, ReadOnlySpan<long> b, double value)
    {
        fixed (long* p = self, q = a, r = b)
            s_addProduct.Run(Arg.Handles(p, self.Length), Arg.Handles(q, a.Length), Arg.Handles(r, b.Length), value);
    }

    public static void AddQuotient(ReadOnlySpan<long> self, ReadOnlySpan<long> a, ReadOnlySpan<long> b, double value)
    {
        fixed (long* p = self, q = a, r = b)
            s_addQuotient.Run(Arg.Handles(p, self.Length), Arg.Handles(q, a.Length), Arg.Handles(r, b.Length), value);
    }

    // The results are new tensors, to be given to Free.
    public static void Sum(ReadOnlySpan<long> self, ReadOnlySpan<long> other, double alpha, Span<long> results)
    {
        fixed (long* p = self, q = other) s_sum.Handles(results, Arg.Handles(p, self.Length), Arg.Handles(q, other.Length), alpha);
    }

    public static void Negative(ReadOnlySpan<long> self, Span<long> results)
    {
        fixed (long* p = self) s_negative.Handles(results, Arg.Handles(p, self.Length));
    }

    public static void Root(ReadOnlySpan<long> self, Span<long> results)
    {
        fixed (long* p = self) s_root.Handles(results, Arg.Handles(p, self.Length));
    }

    public static Tensor[] Norm(ReadOnlySpan<long> self, double order)
    {
        fixed (long* p = self) return s_norm.List(Arg.Handles(p, self.Length), order);
    }

    /// <summary>Frees and zeroes the handles; zeros are skipped.</summary>
    public static void Free(Span<long> handles)
    {
        foreach (ref long handle in handles)
        {
            if (handle != 0) Native.maha_tensor_free((nint)handle);
            handle = 0;
        }
    }

    /// <summary>The gradient's handle, to be freed by the caller; 0 if there is none.</summary>
    public static long Gradient(Parameter parameter)
    {
        Native.Check(Native.maha_tensor_grad(parameter.Handle, out var handle));
        GC.KeepAlive(parameter);
        return handle;
    }

    /// <summary>Lends the handles of all gradients there are to <paramref name="use"/>.</summary>
    public static T WithGradients<T>(IEnumerable<Parameter> parameters, Func<Span<long>, T> use)
    {
        // Taken away while in use, and kept for the next call.
        var handles = s_gradients ?? [];
        s_gradients = null;
        try
        {
            foreach (var parameter in parameters)
                if (Gradient(parameter) is not 0 and var handle) handles.Add(handle);
            return use(CollectionsMarshal.AsSpan(handles));
        }
        finally
        {
            Free(CollectionsMarshal.AsSpan(handles));
            handles.Clear();
            s_gradients = handles;
        }
    }

    public static void ZeroGradients(IEnumerable<Parameter> parameters)
    {
        using var guard = no_grad();
        WithGradients(parameters, static gradients =>
        {
            if (gradients.Length > 0) Zero(gradients);
            return 0;
        });
    }
}
