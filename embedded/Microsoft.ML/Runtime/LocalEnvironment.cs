using System.Diagnostics;

namespace Microsoft.ML.Runtime;

// The environment behind MLContext, and every host registered in it. Hosts share the listeners and the component catalog of their root.
internal sealed class LocalEnvironment : IHost, IHostEnvironmentInternal, ICancelable
{
    private readonly LocalEnvironment _root;
    private readonly LocalEnvironment _parent;
    private readonly string _shortName;
    private readonly string _parentName;
    private readonly List<WeakReference<LocalEnvironment>> _children = [];
    private readonly Dictionary<string, object> _options = [];
    private Action<IMessageSource, ChannelMessage> _listener;

    public LocalEnvironment(int? seed = null)
    {
        _root = this;
        Seed = seed;
        Rand = RandomUtils.Create(seed);
        ComponentCatalog = new ComponentCatalog();
        TempFilePath = Path.GetTempPath();
    }

    private LocalEnvironment(LocalEnvironment parent, string shortName, Random rand, bool verbose)
    {
        _root = parent._root;
        _parent = parent;
        _shortName = shortName;
        _parentName = parent._parent?.FullName;
        Seed = parent.Seed;
        Rand = rand;
        Verbose = verbose;
        ComponentCatalog = parent.ComponentCatalog;
        TempFilePath = parent.TempFilePath;
        GpuDeviceId = parent.GpuDeviceId;
        FallbackToCpu = parent.FallbackToCpu;
        IsCanceled = parent.IsCanceled;
    }

    public ComponentCatalog ComponentCatalog { get; }
    public Random Rand { get; }
    public int? Seed { get; }
    public string TempFilePath { get; set; }
    public int? GpuDeviceId { get; set; }
    public bool FallbackToCpu { get; set; }
    public bool IsCanceled { get; private set; }
    public bool Verbose { get; }
    public string FullName => Join(_parentName, _shortName);
    public string ContextDescription => _parent == null ? "HostEnvironment" : FullName;

    private static string Join(string parent, string name) => string.IsNullOrEmpty(parent) ? name : parent + "; " + name;

    public void AddListener(Action<IMessageSource, ChannelMessage> listener) => _listener += listener;

    public IHost Register(string name, int? seed = null, bool? verbose = null)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        lock (_children)
        {
            _children.RemoveAll(child => !child.TryGetTarget(out _));
            var host = new LocalEnvironment(this, name, seed is int s ? RandomUtils.Create(s) : RandomUtils.Create(Rand), verbose ?? Verbose);
            if (_parent == null || !IsCanceled)
                _children.Add(new WeakReference<LocalEnvironment>(host));
            return host;
        }
    }

    public void CancelExecution()
    {
        lock (_children)
        {
            foreach (WeakReference<LocalEnvironment> child in _children)
                if (child.TryGetTarget(out LocalEnvironment host))
                    host.CancelExecution();
            _children.Clear();
            IsCanceled = true;
        }
    }

    public IChannel Start(string name) => new Channel(this, name);
    public IPipe<TMessage> StartPipe<TMessage>(string name) => new Pipe<TMessage>(this);

    public IProgressChannel StartProgressChannel(string name)
    {
        Contracts.CheckNonEmpty(name, nameof(name));
        return new ProgressChannel(this, name);
    }

    public TException Process<TException>(TException ex) where TException : Exception
    {
        if (ex != null)
        {
            ex.Data["Throwing component"] = _parent == null ? "Environment" : _shortName;
            if (_parent != null)
                ex.Data["Parent component"] = _parentName;
        }
        return Contracts.Mark(ex);
    }

    public bool TryAddOption<T>(string name, T value)
    {
        CheckOptionName(name);
        return _options.TryAdd(name, value);
    }

    public void SetOption<T>(string name, T value)
    {
        CheckOptionName(name);
        _options[name] = value;
    }

    public bool TryGetOption<T>(string name, out T value)
    {
        CheckOptionName(name);
        bool found = _options.TryGetValue(name, out object stored) && stored is T;
        value = found ? (T)stored : default;
        return found;
    }

    public T GetOptionOrDefault<T>(string name)
    {
        CheckOptionName(name);
        if (!_options.TryGetValue(name, out object stored))
            _options[name] = stored = default(T);
        return (T)stored;
    }

    public bool RemoveOption(string name)
    {
        CheckOptionName(name);
        return _options.Remove(name);
    }

    private static void CheckOptionName(string name)
    {
        if (string.IsNullOrWhiteSpace(name))
            throw new ArgumentNullException(nameof(name));
    }

    // Nothing listens to messages other than those of channels.
    private sealed class Pipe<TMessage>(LocalEnvironment owner) : IPipe<TMessage>
    {
        public string ContextDescription => owner.ContextDescription;
        public TException Process<TException>(TException ex) where TException : Exception => owner.Process(ex);

        public void Send(TMessage msg)
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class Channel : IChannel, IMessageSource
    {
        private readonly LocalEnvironment _owner;
        private readonly Stopwatch _watch = Stopwatch.StartNew();
        private bool _disposed;

        public Channel(LocalEnvironment owner, string name)
        {
            _owner = owner;
            ShortName = name;
            FullName = Join(owner.FullName, name);
            Trace(MessageSensitivity.None, "Channel started");
        }

        public string ShortName { get; }
        public string FullName { get; }
        public bool Verbose => _owner.Verbose;
        public string ContextDescription => FullName;

        public void Send(ChannelMessage msg) => _owner._root._listener?.Invoke(this, msg);

        public void Trace(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Trace, sensitivity, fmt));
        public void Trace(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Trace, sensitivity, fmt, args));
        public void Info(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Info, sensitivity, fmt));
        public void Info(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Info, sensitivity, fmt, args));
        public void Warning(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Warning, sensitivity, fmt));
        public void Warning(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Warning, sensitivity, fmt, args));
        public void Error(MessageSensitivity sensitivity, string fmt) => Send(new(ChannelMessageKind.Error, sensitivity, fmt));
        public void Error(MessageSensitivity sensitivity, string fmt, params object[] args) => Send(new(ChannelMessageKind.Error, sensitivity, fmt, args));

        public TException Process<TException>(TException ex) where TException : Exception
        {
            _owner.Process(ex);
            if (ex != null)
                ex.Data["Phase"] = ShortName;
            return ex;
        }

        public void Dispose()
        {
            if (_disposed)
                return;
            _disposed = true;
            Trace(MessageSensitivity.None, "Channel finished. Elapsed {0:c}.", _watch.Elapsed);
            Trace(MessageSensitivity.None, "Channel disposed");
        }
    }
}
