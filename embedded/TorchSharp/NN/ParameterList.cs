using System.Collections;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules;

/// <summary>Parameters by index.</summary>
public class ParameterList : Module, IList<Parameter>
{
    private readonly List<Parameter> _list = [];
    private bool _registered;

    public ParameterList(params Parameter[] parameters) : base("ParameterList") => append(parameters);

    protected override void RegisterComponents()
    {
        if (_registered) return;
        for (int i = 0; i < _list.Count; i++) register_parameter($"{i}", _list[i]);
        _registered = true;
    }

    public override IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true) => _list.Select((p, i) => ($"{i}", p));

    public override bool has_parameter(string target) => get_parameter(target) is not null;

    public override Parameter get_parameter(string target)
        => int.TryParse(target, out int index) && index >= 0 && index < _list.Count ? _list[index] : null;

    protected internal override Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking) => base._to(deviceType, deviceIndex, non_blocking);

    protected internal override Module _to(Device device, ScalarType dtype, bool non_blocking) => base._to(device, dtype, non_blocking);

    protected internal override Module _to(ScalarType dtype, bool non_blocking) => base._to(dtype, non_blocking);

    private protected override void OnParameterReplaced(string name, Parameter parameter) => _list[int.Parse(name)] = parameter;

    public Parameter this[int index]
    {
        get => _list[index];
        set => _list[index] = value;
    }

    public int Count => _list.Count;
    public bool IsReadOnly => false;
    public void Add(Parameter item) => _list.Add(item);
    public void append(params Parameter[] parameters) => _list.AddRange(parameters ?? []);
    public void extend(IEnumerable<Parameter> parameters) => _list.AddRange(parameters);
    public void Insert(int index, Parameter item) => _list.Insert(index, item);
    public bool Remove(Parameter item) => _list.Remove(item);
    public void RemoveAt(int index) => _list.RemoveAt(index);
    public void Clear() => _list.Clear();
    public bool Contains(Parameter item) => _list.Contains(item);
    public int IndexOf(Parameter item) => _list.IndexOf(item);
    public void CopyTo(Parameter[] array, int arrayIndex) => _list.CopyTo(array, arrayIndex);
    public IEnumerator<Parameter> GetEnumerator() => _list.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
