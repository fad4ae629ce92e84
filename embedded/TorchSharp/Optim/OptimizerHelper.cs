using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

public abstract class OptimizerHelper : Optimizer
{
    private protected readonly Dictionary<IntPtr, OptimizerState> States = [];
    private protected OptimizerOptions Defaults;

    private protected OptimizerHelper()
    {
    }

    public override IEnumerable<Parameter> parameters() => base.parameters();

    public override void add_param_group(ParamGroup param_group) => base.add_param_group(param_group);

    // The group's options are complete by now; its parameters get their state.
    private protected void Add(ParamGroup group, Func<Parameter, OptimizerState> newState)
    {
        // Module.parameters() walks the whole tree at each enumeration.
        group.Parameters = group.Parameters.ToList();
        group.Options.InitialLearningRate = group.Options.LearningRate.Value;
        _parameter_groups.Add(group);
        foreach (var parameter in group.Parameters)
        {
            var state = newState(parameter);
            States[parameter.Handle] = state;
            state.Initialize(group.Options);
        }
    }

    public override void zero_grad() => Foreach.ZeroGradients(parameters());

    private protected Tensor Step<TGroup>(Action<TGroup> update, Func<Tensor> closure) where TGroup : ParamGroup
    {
        Tensor loss = null;
        if (closure is not null)
            using (enable_grad()) loss = closure();
        using var guard = no_grad();
        foreach (var group in _parameter_groups) update((TGroup)group);
        return loss;
    }

    public void to(Device device)
    {
        foreach (var state in States.Values) state.to(device);
    }

    public virtual StateDictionary state_dict()
    {
        var result = new StateDictionary();
        foreach (var group in _parameter_groups)
        {
            result.Options.Add(group.Options);
            var positions = new List<int>();
            foreach (var parameter in group.Parameters)
            {
                positions.Add(result.State.Count);
                result.State.Add(States[parameter.Handle]);
            }
            result.StateIndexRef.Add(positions);
        }
        return result;
    }

    public virtual void load_state_dict(StateDictionary state_dict)
    {
        var own = this.state_dict();
        CheckCounts(own, state_dict.Options.Count, state_dict.State.Count);
        for (int i = 0; i < own.Options.Count; i++)
            if (own.Options[i] != state_dict.Options[i]) own.Options[i].LoadStateDict(state_dict.Options[i]);
        for (int i = 0; i < own.State.Count; i++)
            if (own.State[i] != state_dict.State[i]) own.State[i].LoadStateDict(state_dict.State[i]);
    }

    public void save_state_dict(string location)
    {
        using var stream = File.Create(location);
        using var writer = new BinaryWriter(stream);
        save_state_dict(writer);
    }

    // *** Binary format *** : the class's name, numbers of groups and of states (LEB128), each group's options, each parameter's state.
    public void save_state_dict(BinaryWriter writer)
    {
        var own = state_dict();
        writer.Write(GetType().Name);
        writer.Encode(own.Options.Count);
        writer.Encode(own.State.Count);
        foreach (var options in own.Options) options.SaveStateDict(writer);
        foreach (var state in own.State) state.SaveStateDict(writer);
    }

    public void load_state_dict(string location)
    {
        using var stream = File.OpenRead(location);
        using var reader = new BinaryReader(stream);
        load_state_dict(reader);
    }

    public void load_state_dict(BinaryReader reader)
    {
        var type = reader.ReadString();
        if (type != GetType().Name)
            throw new InvalidDataException($"Mismatched optimizer type: expected '{GetType().Name}', but found '{type}' in the loaded stream.");
        var own = state_dict();
        CheckCounts(own, reader.Decode(), reader.Decode());
        foreach (var options in own.Options) options.LoadStateDict(reader);
        foreach (var state in own.State) state.LoadStateDict(reader);
    }

    private static void CheckCounts(StateDictionary own, long groups, long states)
    {
        if (groups != own.Options.Count)
            throw new ArgumentException($"Invalid optimizer state -- different number of parameter groups: expected {own.Options.Count}, but found {groups}.");
        if (states != own.State.Count)
            throw new ArgumentException($"Invalid optimizer state -- different number of states: expected {own.State.Count}, but found {states}.");
    }

    private protected void DisposeStates()
    {
        foreach (var state in States.Values) ((IDisposable)state).Dispose();
        States.Clear();
    }
}

public class OptimizerOptions
{
    public double? LearningRate { get; set; }

    public double InitialLearningRate { get; set; }

    public virtual void SaveStateDict(BinaryWriter writer)
    {
        writer.Write(InitialLearningRate);
        writer.Write(LearningRate.Value);
    }

    public virtual void LoadStateDict(BinaryReader reader)
    {
        InitialLearningRate = reader.ReadDouble();
        LearningRate = reader.ReadDouble();
    }

    public virtual void LoadStateDict(OptimizerOptions source)
    {
        InitialLearningRate = source.InitialLearningRate;
        LearningRate = source.LearningRate;
    }
}

public abstract class OptimizerState
{
    private protected readonly Parameter Parameter;

    private protected OptimizerState(Parameter parameter) => Parameter = parameter;

    public abstract void Initialize(OptimizerOptions options);

    public abstract void SaveStateDict(BinaryWriter writer);

    public abstract void LoadStateDict(BinaryReader reader);

    public abstract void LoadStateDict(OptimizerState source);

    public virtual bool ApproximatelyEquals(OptimizerState other) => false;

    public virtual void to(Device device)
    {
    }

    // State outlives every dispose scope it is made or changed in.
    private protected Tensor Zeros() => zeros_like(Parameter, requires_grad: false).DetachFromDisposeScope();

    private protected Tensor Copy(Tensor source) => source?.to(Parameter.device, copy: true).DetachFromDisposeScope();

    private protected static void MoveTo(ref Tensor tensor, Device device)
    {
        if (tensor is null || tensor.device_type == device.type && (device.index < 0 || tensor.device_index == device.index)) return;
        tensor = tensor.to(device, disposeAfter: true).DetachFromDisposeScope();
    }

    private protected static bool Close(Tensor a, Tensor b) => a is null || b is not null && a.allclose(b);

    private protected static void SaveOptional(BinaryWriter writer, Tensor tensor)
    {
        writer.Write(tensor is not null);
        tensor?.Save(writer);
    }

    private protected void LoadOptional(BinaryReader reader, ref Tensor tensor)
    {
        if (reader.ReadBoolean())
        {
            tensor ??= Zeros();
            tensor.Load(reader);
        }
        else
        {
            tensor?.Dispose();
            tensor = null;
        }
    }
}

public class ParamGroup : ILearningRateController
{
    public IEnumerable<Parameter> Parameters { get; set; }

    public OptimizerOptions Options { get; set; }

    public double LearningRate
    {
        get => Options.LearningRate.Value;
        set => Options.LearningRate = value;
    }

    public double InitialLearningRate
    {
        get => Options.InitialLearningRate;
        set => Options.InitialLearningRate = value;
    }
}

public class ParamGroup<TOptions> : ParamGroup where TOptions : OptimizerOptions
{
    public ParamGroup()
    {
    }

    public ParamGroup(IEnumerable<Parameter> parameters, TOptions options = null)
    {
        Parameters = parameters;
        base.Options = options;
    }

    public new TOptions Options
    {
        get => (TOptions)base.Options;
        set => base.Options = value;
    }
}
