using System.Collections.Concurrent;

namespace Maha.Layers.Kernels;

/// <summary>A compiled source, loaded on a device.</summary>
/// <remarks>
/// <see cref="Get"/> returns the module that all callers share, which stays loaded until the process ends. <see cref="Load"/> returns one of the caller's own.
/// Both are safe to call from several threads.
/// </remarks>
internal sealed unsafe class CudaModule : IDisposable
{
    private static readonly ConcurrentDictionary<(string Source, string Options, int Device), Lazy<CudaModule>> s_shared = new();

    private readonly ConcurrentDictionary<string, CudaFunction> _functions = new();
    private readonly nint _handle;
    private int _isDisposed;

    private CudaModule(string source, string options, CudaDevice device)
    {
        (Source, Options, Device) = (source, options, device);
        using var current = device.MakeCurrent();
        nint handle;
        fixed (byte* code = CudaCode.Get(source, options, device, CudaCodeFolder.Default))
            CudaDriver.Check(CudaDriver.LoadModule(&handle, code), $"cuModuleLoadData for {source}");
        _handle = handle;
    }

    /// <summary>The file name of the source.</summary>
    public string Source { get; }

    /// <summary>The options it was compiled with, separated by spaces.</summary>
    public string Options { get; }

    /// <summary>The device it is loaded on.</summary>
    public CudaDevice Device { get; }

    /// <summary>Whether it was unloaded.</summary>
    public bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    /// <summary>Returns the shared module of a source, compiled and loaded at the first call.</summary>
    /// <param name="source">The file name in <see cref="CudaSources"/>.</param>
    /// <param name="options">Options for NVRTC, separated by spaces, for instance "-DHEAD_DIM=64 -DBF16". The same text at each call: it is part of the key.</param>
    /// <param name="device">The number of the device, as in torch.</param>
    /// <exception cref="CudaException">NVRTC or the driver failed; with errors in the source the message has the compiler's log. Later calls throw it again.</exception>
    public static CudaModule Get(string source, string options, int device) =>
        s_shared.GetOrAdd((source, options, device), static key => new Lazy<CudaModule>(() => Load(key.Source, key.Options, key.Device))).Value;

    /// <summary>Compiles and loads a source.</summary>
    /// <inheritdoc cref="Get"/>
    public static CudaModule Load(string source, string options, int device) => new(source, options, CudaDevice.Get(device));

    /// <summary>Returns a kernel. It is declared <c>extern "C" __global__</c>, so that its name is that of the source.</summary>
    /// <exception cref="CudaException">The source has no such kernel.</exception>
    /// <exception cref="ObjectDisposedException">The module was disposed.</exception>
    public CudaFunction GetFunction(string name)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return _functions.TryGetValue(name, out var known) ? known : _functions.GetOrAdd(name, Find);
    }

    /// <summary>Unloads the code. Kernels that still run are waited for.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        using var current = Device.MakeCurrent();
        CudaDriver.Check(CudaDriver.UnloadModule(_handle), "cuModuleUnload");
    }

    private CudaFunction Find(string name)
    {
        using var current = Device.MakeCurrent();
        nint function;
        CudaDriver.Check(CudaDriver.GetFunction(&function, _handle, name), $"cuModuleGetFunction for {name} of {Source}");
        return new CudaFunction(this, function, name);
    }
}
