using System.Runtime.InteropServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Sets the thread's gradient mode until it is disposed.</summary>
    private sealed class GradMode : IDisposable
    {
        private readonly int _before = Native.maha_grad_mode();

        public GradMode(bool enabled) => Native.maha_set_grad_mode(enabled ? 1 : 0);

        public void Dispose() => Native.maha_set_grad_mode(_before);
    }

    private sealed class InferenceMode(bool enabled) : IDisposable
    {
        private nint _guard = Native.maha_inference_mode_enter(enabled ? 1 : 0);

        public void Dispose()
        {
            nint guard = Interlocked.Exchange(ref _guard, 0);
            if (guard != 0) Native.maha_inference_mode_leave(guard);
        }
    }

    public static IDisposable no_grad() => new GradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);
    public static bool is_grad_enabled() => Native.maha_grad_mode() != 0;
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Instance.New();

    private static nint[] Handles(IList<Tensor> tensors)
    {
        if (tensors is null) return [];
        var handles = new nint[tensors.Count];
        for (int i = 0; i < handles.Length; i++) handles[i] = tensors[i] is null ? 0 : tensors[i].Handle;
        return handles;
    }

    public static unsafe partial class autograd
    {
        public static void backward(Tensor tensor, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        public static void backward(IList<Tensor> tensors, IList<Tensor> grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor> inputs = null)
        {
            nint[] roots = Handles(tensors), gradients = Handles(grad_tensors), leaves = Handles(inputs);
            fixed (nint* r = roots)
            fixed (nint* g = gradients)
            fixed (nint* l = leaves)
                Native.Check(Native.maha_backward(r, roots.Length, g, gradients.Length, (retain_graph ?? create_graph) ? 1 : 0, create_graph ? 1 : 0, l, leaves.Length));
            GC.KeepAlive(tensors);
            GC.KeepAlive(grad_tensors);
            GC.KeepAlive(inputs);
        }

        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor> grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] roots = Handles(outputs), leaves = Handles(inputs), gradients = Handles(grad_outputs);
            var results = new nint[leaves.Length];
            fixed (nint* r = roots)
            fixed (nint* l = leaves)
            fixed (nint* g = gradients)
            fixed (nint* o = results)
                Native.Check(Native.maha_grad(r, roots.Length, l, leaves.Length, g, gradients.Length, retain_graph ? 1 : 0, create_graph ? 1 : 0, allow_unused ? 1 : 0, o));
            GC.KeepAlive(outputs);
            GC.KeepAlive(inputs);
            GC.KeepAlive(grad_outputs);
            return results.Select(h => h == 0 ? null : new Tensor(h)).ToList();
        }

        /// <summary>What a custom function's forward leaves for its backward.</summary>
        public class AutogradContext : IDisposable
        {
            internal AutogradContext()
            {
            }

            private readonly Dictionary<string, object> _data = [];
            internal List<Tensor> Saved = [];
            internal List<Tensor> NonDifferentiable = [];
            internal nint Node;
            internal int SavedCount;
            internal bool[] IsTensor;
            internal Func<AutogradContext, List<Tensor>, List<Tensor>> Backward;
            internal string Name;

            public bool MaterializeGrads { get; private set; } = true;
            public void set_materialize_grads(bool value) => MaterializeGrads = value;
            public void save_for_backward(List<Tensor> tensors) => Saved = tensors;
            public void mark_non_differentiable(List<Tensor> tensors) => NonDifferentiable = tensors.ToList();
            public void save_data(string key, object value) => _data[key] = value;
            public object get_data(string key) => _data.GetValueOrDefault(key);

            public List<Tensor> get_saved_variables()
            {
                var list = new List<Tensor>(SavedCount);
                for (int i = 0; i < SavedCount; i++)
                {
                    Native.Check(Native.maha_function_saved(Node, i, out var handle));
                    list.Add(handle == 0 ? null : new Tensor(handle));
                }
                return list;
            }

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing) => _data.Clear();
        }

        public abstract class Function<T> where T : Function<T>, new()
        {
            private static readonly T s_instance = new();

            public abstract string Name { get; }

            internal abstract List<Tensor> Forward(AutogradContext ctx, object[] vars);
            internal abstract List<Tensor> Backward(AutogradContext ctx, List<Tensor> grads);

            public static List<Tensor> apply_internal(params object[] vars)
            {
                var context = new AutogradContext { Name = s_instance.Name, Backward = s_instance.Backward };
                context.IsTensor = vars.Select(v => v is Tensor { IsInvalid: false }).ToArray();
                var inputs = vars.OfType<Tensor>().Where(t => !t.IsInvalid).ToList();
                bool needed = is_grad_enabled() && inputs.Any(t => t.requires_grad);

                List<Tensor> outputs;
                using (no_grad()) outputs = s_instance.Forward(context, vars);
                // An input that is handed through would become its own ancestor.
                outputs = outputs.Select(o => inputs.Contains(o) ? o.ViewOfSelf() : o).ToList();
                if (needed) Attach(context, inputs, outputs);
                context.Saved = [];
                return outputs;
            }

            private static void Attach(AutogradContext context, List<Tensor> inputs, List<Tensor> outputs)
            {
                nint[] ins = Handles(inputs), outs = Handles(outputs), saved = Handles(context.Saved);
                var differentiable = outputs.Select(o => (byte)(context.NonDifferentiable.Contains(o) ? 0 : 1)).ToArray();
                context.SavedCount = saved.Length;
                var pin = GCHandle.ToIntPtr(GCHandle.Alloc(context));
                fixed (nint* i = ins)
                fixed (nint* o = outs)
                fixed (nint* s = saved)
                fixed (byte* d = differentiable)
                    Native.Check(Native.maha_function_attach(i, ins.Length, o, outs.Length, d, s, saved.Length, context.MaterializeGrads ? 1 : 0,
                        context.Name, pin, &RunBackward, &Forget, out context.Node));
                GC.KeepAlive(inputs);
                GC.KeepAlive(context.Saved);
            }
        }

        public abstract class SingleTensorFunction<T> : Function<T> where T : SingleTensorFunction<T>, new()
        {
            public abstract Tensor forward(AutogradContext ctx, params object[] vars);
            public abstract List<Tensor> backward(AutogradContext ctx, Tensor grad_output);
            public static Tensor apply(params object[] vars) => apply_internal(vars)[0];
            internal sealed override List<Tensor> Forward(AutogradContext ctx, object[] vars) => [forward(ctx, vars)];
            internal sealed override List<Tensor> Backward(AutogradContext ctx, List<Tensor> grads) => backward(ctx, grads[0]);
        }

        public abstract class MultiTensorFunction<T> : Function<T> where T : MultiTensorFunction<T>, new()
        {
            public abstract List<Tensor> forward(AutogradContext ctx, params object[] vars);
            public abstract List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs);
            public static List<Tensor> apply(params object[] vars) => apply_internal(vars);
            internal sealed override List<Tensor> Forward(AutogradContext ctx, object[] vars) => forward(ctx, vars);
            internal sealed override List<Tensor> Backward(AutogradContext ctx, List<Tensor> grads) => backward(ctx, grads);
        }

        [ThreadStatic] private static nint s_message;

        [UnmanagedCallersOnly]
        private static byte* RunBackward(nint context, nint* gradients, int count, nint* results, int resultCount)
        {
            try
            {
                var ctx = (AutogradContext)GCHandle.FromIntPtr(context).Target;
                using var scope = NewDisposeScope();
                var incoming = new List<Tensor>(count);
                for (int i = 0; i < count; i++) incoming.Add(gradients[i] == 0 ? null : new Tensor(gradients[i]));
                var outgoing = ctx.Backward(ctx, incoming);
                int expected = ctx.IsTensor.Length;
                if (outgoing.Count < expected || outgoing.Skip(expected).Any(t => t is not null))
                    throw new InvalidOperationException($"Function {ctx.Name} must return one gradient per argument of apply: expected {expected}, got {outgoing.Count}.");
                for (int i = 0, k = 0; i < expected; i++)
                {
                    var t = outgoing[i];
                    if (!ctx.IsTensor[i])
                    {
                        if (t is not null) throw new InvalidOperationException($"Function {ctx.Name} returned a gradient at position {i}, but that argument was not a tensor. Return null there.");
                        continue;
                    }
                    // The same tensor may be returned twice, and may still be in the scope: the engine gets a reference of its own.
                    results[k++] = t is null ? 0 : t.alias().MoveHandle();
                }
                return null;
            }
            catch (Exception e)
            {
                Marshal.FreeCoTaskMem(s_message);
                s_message = Marshal.StringToCoTaskMemUTF8(e.Message);
                return (byte*)s_message;
            }
        }

        [UnmanagedCallersOnly]
        private static void Forget(nint context) => GCHandle.FromIntPtr(context).Free();
    }
}
