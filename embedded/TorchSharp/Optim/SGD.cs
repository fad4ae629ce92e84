using System.Runtime.InteropServices;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp.Modules;

public class SGD : OptimizerHelper, IMomentum
{
    public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0,
        bool nesterov = false, bool maximize = false)
        : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize)
    {
    }

    public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0, double dampening = 0, double weight_decay = 0,
        bool nesterov = false, bool maximize = false)
    {
        // Written so that NaN is refused too.
        if (!(lr >= 0)) throw new ArgumentException($"Invalid learning rate: {lr}");
        if (!(momentum >= 0)) throw new ArgumentException($"Invalid momentum value: {momentum}");
        if (!(weight_decay >= 0)) throw new ArgumentException($"Invalid weight_decay value: {weight_decay}");
        if (nesterov && (momentum <= 0 || dampening != 0))
            throw new ArgumentException("Nesterov momentum requires a momentum and zero dampening");
        Defaults = new Options
        {
            LearningRate = lr,
            InitialLearningRate = lr,
            momentum = momentum,
            dampening = dampening,
            weight_decay = weight_decay,
            nesterov = nesterov,
            maximize = maximize,
        };
        foreach (var group in parameters) add_param_group(group);
    }

    public double Momentum
    {
        get => ((Options)Defaults).momentum.Value;
        set => ((Options)Defaults).momentum = value;
    }

    public override void add_param_group(Modules.ParamGroup param_group)
    {
        var defaults = (Options)Defaults;
        var options = (Options)(param_group.Options ??= new Options());
        options.LearningRate ??= defaults.LearningRate;
        options.momentum ??= defaults.momentum;
        options.dampening ??= defaults.dampening;
        options.weight_decay ??= defaults.weight_decay;
        options.nesterov ??= defaults.nesterov;
        options.maximize ??= defaults.maximize;
        Add(param_group, parameter => new State(parameter));
    }

    public override Tensor step(Func<Tensor> closure = null) => Step<ParamGroup>(Update, closure);

    private void Update(ParamGroup group)
    {
        var options = group.Options;
        double momentum = options.momentum.Value, decay = options.weight_decay.Value;
        double rate = options.maximize.Value ? options.LearningRate.Value : -options.LearningRate.Value;
        // Native handles: the parameters', their gradients', and temporaries; the last three are ours to free.
        var (own, gradients, decayed, ahead) = (new List<long>(), new List<long>(), Array.Empty<long>(), Array.Empty<long>());
        var states = new List<State>();
        try
        {
            foreach (var parameter in group.Parameters)
            {
                long gradient = Foreach.Gradient(parameter);
                if (gradient == 0) continue;
                gradients.Add(gradient);
                own.Add(parameter.Handle);
                states.Add((State)States[parameter.Handle]);
            }
            if (gradients.Count == 0) return;
            var parameters = CollectionsMarshal.AsSpan(own);
            var step = CollectionsMarshal.AsSpan(gradients);
            if (decay != 0)
            {
                decayed = new long[step.Length];
                Foreach.Sum(step, parameters, decay, decayed);
                step = decayed;
            }
            if (momentum != 0)
            {
                var buffers = new long[step.Length];
                for (int i = 0; i < step.Length; i++) buffers[i] = states[i].Buffer(step[i], momentum, 1 - options.dampening.Value);
                if (options.nesterov.Value)
                {
                    ahead = new long[step.Length];
                    Foreach.Sum(step, buffers, momentum, ahead);
                }
                step = options.nesterov.Value ? ahead : buffers;
            }
            Foreach.Add(parameters, step, rate);
        }
        finally
        {
            Foreach.Free(CollectionsMarshal.AsSpan(gradients));
            Foreach.Free(decayed);
            Foreach.Free(ahead);
            GC.KeepAlive(group);
        }
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) DisposeStates();
    }

    public sealed class State : OptimizerState, IDisposable
    {
        public Tensor momentum_buffer;

        private static readonly Op s_clone = "clone(self)";

        public State(Parameter parameter) : base(parameter)
        {
        }

        // The buffer with this step's gradient in it; the first gradient enters whole.
        internal long Buffer(long gradient, double momentum, double share)
        {
            if (momentum_buffer is null)
            {
                momentum_buffer = s_clone.T(Arg.Borrowed(gradient)).DetachFromDisposeScope();
            }
            else
            {
                Foreach.Multiply([momentum_buffer.Handle], momentum);
                Foreach.Add([momentum_buffer.Handle], [gradient], share);
            }
            return momentum_buffer.Handle;
        }

        public void Dispose() => momentum_buffer?.Dispose();

        public override void Initialize(OptimizerOptions options)
        {
            Dispose();
            momentum_buffer = null;
        }

        public override void to(Device device) => MoveTo(ref momentum_buffer, device);

        public override void SaveStateDict(BinaryWriter writer) => SaveOptional(writer, momentum_buffer);

        public override void LoadStateDict(BinaryReader reader) => LoadOptional(reader, ref momentum_buffer);

        public override void LoadStateDict(OptimizerState source)
        {
            Dispose();
            momentum_buffer = Copy(((State)source).momentum_buffer);
        }

        public override bool ApproximatelyEquals(OptimizerState other) => other is State state && Close(momentum_buffer, state.momentum_buffer);
    }

    public class Options : OptimizerOptions
    {
        public double? momentum;
        public double? dampening;
        public double? weight_decay;
        public bool? nesterov;
        public bool? maximize;

        public override void SaveStateDict(BinaryWriter writer)
        {
            base.SaveStateDict(writer);
            writer.Write(momentum.Value);
            writer.Write(dampening.Value);
            writer.Write(weight_decay.Value);
            writer.Write(nesterov.Value);
            writer.Write(maximize.Value);
        }

        public override void LoadStateDict(BinaryReader reader)
        {
            base.LoadStateDict(reader);
            momentum = reader.ReadDouble();
            dampening = reader.ReadDouble();
            weight_decay = reader.ReadDouble();
            nesterov = reader.ReadBoolean();
            maximize = reader.ReadBoolean();
        }

        public override void LoadStateDict(OptimizerOptions source)
        {
            base.LoadStateDict(source);
            var other = (Options)source;
            (momentum, dampening, weight_decay, nesterov, maximize) =
                (other.momentum, other.dampening, other.weight_decay, other.nesterov, other.maximize);
        }
    }

    public class ParamGroup : ParamGroup<Options>, IMomentum
    {
        public ParamGroup()
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options)
        {
        }

        public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0, double dampening = 0, double weight_decay = 0,
            bool nesterov = false, bool maximize = false)
            : base(parameters, new Options
            {
                LearningRate = lr,
                momentum = momentum,
                dampening = dampening,
                weight_decay = weight_decay,
                nesterov = nesterov,
                maximize = maximize,
            })
        {
        }

        public double Momentum
        {
            get => Options.momentum.Value;
            set => Options.momentum = value;
        }
    }
}
