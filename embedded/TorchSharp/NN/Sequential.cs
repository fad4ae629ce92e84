using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Layers one after the other. As in TorchSharp, what lies between two layers is disposed at once.</summary>
public class Sequential : nn.Module<Tensor, Tensor>
{
    private readonly List<(string name, nn.IModule<Tensor, Tensor> module)> _layers = [];

    internal Sequential() : base("torch::nn::SequentialImpl")
    {
    }

    protected Sequential(params (string name, nn.Module<Tensor, Tensor> submodule)[] modules) : this()
    {
        foreach (var (name, module) in modules) Add(name, module);
    }

    protected Sequential(params nn.Module<Tensor, Tensor>[] modules) : this()
    {
        foreach (var module in modules) append(module);
    }

    internal void Add(string name, nn.IModule<Tensor, Tensor> module)
    {
        ArgumentNullException.ThrowIfNull(module);
        _layers.Add((name, module));
    }

    public Sequential append(string name, nn.IModule<Tensor, Tensor> module)
    {
        Add(name, module);
        return this;
    }

    public Sequential append(nn.IModule<Tensor, Tensor> module) => append(_layers.Count.ToString(), module);

    public int Count => _layers.Count;

    [IndexerName("SequentialItems")]
    public nn.IModule<Tensor, Tensor> this[int index] => _layers[index].module;

    [IndexerName("SequentialItems")]
    public Sequential this[(int? start, int? end) index] => Slice(index.start ?? 0, index.end ?? Count);

    [IndexerName("SequentialItems")]
    public Sequential this[Range index] => Slice(index.Start.GetOffset(Count), index.End.GetOffset(Count));

    private Sequential Slice(int start, int end)
    {
        if (start < 0 || start > Count) throw new IndexOutOfRangeException($"{start} is not a valid index.");
        if (end < 0 || end > Count) throw new IndexOutOfRangeException($"{end} is not a valid index.");
        var result = new Sequential();
        for (int i = start; i < end; i++) result._layers.Add(_layers[i]);
        return result;
    }

    public override Tensor forward(Tensor tensor)
    {
        if (_layers.Count == 0) return tensor.alias();
        var current = _layers[0].module.call(tensor);
        for (int i = 1; i < _layers.Count; i++)
        {
            var next = _layers[i].module.call(current);
            current.Dispose();
            current = next;
        }
        return current;
    }

    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
    {
        if (!recurse) yield break;
        var seen = new HashSet<IntPtr> { IntPtr.Zero };
        foreach (var (key, module) in named_children())
            foreach (var (inner, parameter) in module.named_parameters(true))
                if (seen.Add(parameter.handle)) yield return ($"{key}.{inner}", parameter);
    }

    public override IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_persistent = true)
    {
        if (!recurse) yield break;
        var seen = new HashSet<IntPtr> { IntPtr.Zero };
        foreach (var (key, module) in named_children())
            foreach (var (inner, buffer) in module.named_buffers(true, include_persistent))
                if (seen.Add(buffer.handle)) yield return ($"{key}.{inner}", buffer);
    }

    public override IEnumerable<(string name, nn.Module module)> named_children()
    {
        foreach (var (key, module) in _layers) yield return (key, (nn.Module)module);
    }

    public override IEnumerable<(string name, nn.Module module)> named_modules()
    {
        foreach (var child in named_children()) yield return child;
        foreach (var (key, module) in named_children())
            foreach (var (inner, descendant) in module.named_modules())
                yield return ($"{key}.{inner}", descendant);
    }

    public override nn.Module apply(Action<nn.Module> fn)
    {
        foreach (var module in children()) module.apply(fn);
        fn(this);
        return this;
    }

    // As in TorchSharp, the mode is the layers'; the Sequential itself stays as it was made.
    public override void train(bool on = true)
    {
        foreach (var module in children()) module.train(on);
    }

    public override void eval()
    {
        foreach (var module in children()) module.eval();
    }

    protected internal override nn.Module _to(ScalarType dtype, bool non_blocking)
    {
        foreach (var module in children()) module._to(dtype, non_blocking);
        return this;
    }

    protected internal override nn.Module _to(Device device, ScalarType dtype, bool non_blocking)
    {
        foreach (var module in children()) module._to(device, dtype, non_blocking);
        return this;
    }

    protected internal override nn.Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
    {
        foreach (var module in children()) module._to(deviceType, deviceIndex, non_blocking);
        return this;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            foreach (var module in children()) module.Dispose();
        base.Dispose(disposing);
    }
}
