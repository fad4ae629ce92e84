using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>A tree of parameters, buffers and submodules.</summary>
        public partial class Module : IDisposable
        {
            protected string name;

            private readonly OrderedDictionary<string, Parameter> _parameterTable = [];
            private readonly OrderedDictionary<string, (Tensor tensor, bool persistent)> _bufferTable = [];
            private readonly OrderedDictionary<string, Module> _moduleTable = [];
            private bool _areComponentsRegistered;
            private bool _isTraining = true;
            private bool _isDisposed;

            protected Module(string name) => this.name = name;

            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            protected virtual void Dispose(bool disposing)
            {
                if (!disposing || _isDisposed) return;
                _isDisposed = true;
                foreach (var (_, buffer) in named_buffers(false).ToList()) buffer.Dispose();
                foreach (var (_, parameter) in named_parameters(false).ToList()) parameter.Dispose();
                foreach (var (_, module) in named_modules().ToList()) module.Dispose();
            }

            public virtual string GetName() => name;

            public virtual bool training => _isTraining;

            public virtual void train(bool train = true)
            {
                _isTraining = train;
                foreach (var (_, module) in named_children()) module.train(train);
            }

            public virtual void eval() => train(false);

            public virtual Module apply(Action<Module> fn)
            {
                foreach (var (_, module) in _moduleTable) module.apply(fn);
                fn(this);
                return this;
            }

            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var (_, parameter) in named_parameters())
                {
                    if (set_to_none)
                    {
                        parameter.grad = null;
                        continue;
                    }
                    using var grad = parameter.grad;
                    grad?.zero_();
                }
            }

            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                // Tied and disposed parameters: each is listed once, those without a native tensor not at all.
                var seen = new HashSet<IntPtr> { IntPtr.Zero };
                foreach (var (key, parameter) in _parameterTable)
                    if (seen.Add(parameter.handle)) yield return (key, parameter);
                if (!recurse) yield break;
                foreach (var (key, module) in _moduleTable)
                    foreach (var (inner, parameter) in module.named_parameters(true))
                        if (seen.Add(parameter.handle)) yield return ($"{key}.{inner}", parameter);
            }

            // As in TorchSharp, non-persistent buffers are never listed, whatever include_nonpersistent says;
            // so to() does not move them, and Dispose() leaves them to their owner.
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<IntPtr> { IntPtr.Zero };
                foreach (var (key, (buffer, persistent)) in _bufferTable)
                    if (persistent && seen.Add(buffer.handle)) yield return (key, buffer);
                if (!recurse) yield break;
                foreach (var (key, module) in _moduleTable)
                    foreach (var (inner, buffer) in module.named_buffers(true, include_nonpersistent))
                        if (seen.Add(buffer.handle)) yield return ($"{key}.{inner}", buffer);
            }

            public virtual IEnumerable<(string name, Module module)> named_children()
            {
                foreach (var (key, module) in _moduleTable) yield return (key, module);
            }

            public virtual IEnumerable<(string name, Module module)> named_modules()
            {
                foreach (var (key, module) in _moduleTable) yield return (key, module);
                foreach (var (key, module) in _moduleTable)
                    foreach (var (inner, descendant) in module.named_modules())
                        yield return ($"{key}.{inner}", descendant);
            }

            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(p => p.parameter);

            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true)
                => named_buffers(recurse, include_nonpersistent).Select(b => b.buffer);

            public virtual IEnumerable<Module> children() => named_children().Select(m => m.module);

            public virtual IEnumerable<Module> modules() => named_modules().Select(m => m.module);

            public virtual bool has_parameter(string target)
                => _parameterTable.ContainsKey(target) || Child(target, out var rest)?.has_parameter(rest) == true;

            public virtual bool has_buffer(string target)
                => _bufferTable.ContainsKey(target) || Child(target, out var rest)?.has_buffer(rest) == true;

            public virtual Parameter get_parameter(string target)
                => _parameterTable.TryGetValue(target, out var parameter) ? parameter : Child(target, out var rest)?.get_parameter(rest);

            public virtual Tensor get_buffer(string target)
            {
                ArgumentNullException.ThrowIfNull(target);
                return _bufferTable.TryGetValue(target, out var entry) ? entry.tensor : Child(target, out var rest)?.get_buffer(rest);
            }

            // "block.0.weight" is the child "block" and what it calls "0.weight".
            private Module Child(string target, out string rest)
            {
                int dot = target.IndexOf('.');
                rest = dot < 0 ? null : target[(dot + 1)..];
                if (dot < 0) return null;
                var first = target[..dot];
                return named_children().FirstOrDefault(c => c.name == first).module;
            }

            public virtual void register_parameter(string name, Parameter param)
            {
                if (param is null || param.IsInvalid)
                    throw new ArgumentNullException(nameof(param), "A null tensor cannot be registered as a parameter.");
                if (!_parameterTable.TryAdd(name, param)) throw new InvalidOperationException($"Parameter {name} is already registered.");
            }

            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                if (tensor is null || tensor.IsInvalid)
                    throw new ArgumentNullException(nameof(tensor), "A null tensor cannot be registered as a buffer.");
                if (!_bufferTable.TryAdd(name, (tensor, persistent))) throw new InvalidOperationException($"Tensor {name} is already registered.");
            }

            public virtual void register_module(string name, Module submodule)
            {
                if (submodule is null)
                {
                    _moduleTable.Remove(name);
                    return;
                }
                if (string.IsNullOrEmpty(name)) throw new ArgumentException("module name can't be empty string \"\"");
                if (name.Contains('.')) throw new ArgumentException($"module name can't contain \".\", got: {name}");
                if (_moduleTable.ContainsKey(name)) throw new InvalidOperationException($"Sub-module {name} is already registered.");
                submodule.RegisterComponents();
                _moduleTable.Add(name, submodule);
            }

            public void add_module(string name, Module module) => register_module(name, module);

            protected void ConditionallyRegisterParameter(string name, Tensor value)
            {
                if (value is null) _parameterTable.Remove(name);
                else _parameterTable[name] = value as Parameter ?? new Parameter(value);
            }

            protected void ConditionallyRegisterBuffer(string name, Tensor value, bool persistent = true)
            {
                if (value is null) _bufferTable.Remove(name);
                else _bufferTable[name] = (value, persistent);
            }

            // A parameter that a built-in layer makes outlives the dispose scope the layer is made in.
            private protected Parameter Register(string name, Tensor data)
            {
                var parameter = new Parameter(data);
                parameter.DetachFromDisposeScope();
                register_parameter(name, parameter);
                return parameter;
            }

            private protected Parameter Replace(string name, Parameter value)
            {
                ArgumentNullException.ThrowIfNull(value, name);
                value.DetachFromDisposeScope();
                ConditionallyRegisterParameter(name, value);
                return value;
            }

            /// <summary>Registers the fields that hold modules, parameters and tensors, under the fields' names.</summary>
            protected virtual void RegisterComponents()
            {
                if (_areComponentsRegistered) return;
                foreach (var field in InstanceFields())
                {
                    var key = field.Name;
                    if (_moduleTable.ContainsKey(key) || _parameterTable.ContainsKey(key) || _bufferTable.ContainsKey(key)) continue;
                    switch (field.GetValue(this))
                    {
                        case Module module: register_module(key, module); break;
                        case Parameter parameter: register_parameter(key, parameter); break;
                        case Tensor tensor: register_buffer(key, tensor); break;
                    }
                }
                _areComponentsRegistered = true;
            }

            private FieldInfo[] InstanceFields() => GetType().GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance);
        }
    }
}
