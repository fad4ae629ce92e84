using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>libtorch's permission to use cuDNN for attention: <c>torch.backends.cuda.enable_cudnn_sdp</c> of PyTorch, which TorchSharp lacks.</summary>
/// <remarks>The functions are called by their names in libtorch. Where a build of libtorch has other names, the permission stays as it is.</remarks>
internal static unsafe class CudnnAttention
{
    private static readonly (string Library, string Context, string Get, string Set) s_names = OperatingSystem.IsWindows()
        ? ("torch_cpu.dll", "?globalContext@at@@YAAEAVContext@1@XZ", "?userEnabledCuDNNSDP@Context@at@@QEBA_NXZ", "?setSDPUseCuDNN@Context@at@@QEAAX_N@Z")
        : ("libtorch_cpu.so", "_ZN2at13globalContextEv", "_ZNK2at7Context19userEnabledCuDNNSDPEv", "_ZN2at7Context14setSDPUseCuDNNEb");

    private static readonly Lock s_lock = new();
    private static readonly Functions? s_functions = Find();

    private sealed record Functions(nint Context, nint Getter, nint Setter)
    {
        public bool IsEnabled
        {
            get => ((delegate* unmanaged<nint, byte>)Getter)(Context) != 0;
            set => ((delegate* unmanaged<nint, byte, void>)Setter)(Context, value ? (byte)1 : (byte)0);
        }
    }

    /// <summary>Whether the permission can be read and changed.</summary>
    public static bool IsKnown => s_functions is not null;

    /// <summary>Whether attention may use cuDNN; true if that is not known.</summary>
    public static bool IsEnabled => s_functions?.IsEnabled ?? true;

    /// <summary>Calls a function while attention may not use cuDNN. The permission is of the process: it is put back, and only one thread at a time is here.</summary>
    public static Tensor Without(Func<Tensor> attend)
    {
        if (s_functions is null)
            return attend();
        lock (s_lock)
        {
            bool wasEnabled = s_functions.IsEnabled;
            s_functions.IsEnabled = false;
            try
            {
                return attend();
            }
            finally
            {
                s_functions.IsEnabled = wasEnabled;
            }
        }
    }

    private static Functions? Find()
    {
        // libtorch is loaded by now, so that its name alone finds it.
        if (!NativeLibrary.TryLoad(s_names.Library, out nint library) || !NativeLibrary.TryGetExport(library, s_names.Context, out nint context)
            || !NativeLibrary.TryGetExport(library, s_names.Get, out nint getter) || !NativeLibrary.TryGetExport(library, s_names.Set, out nint setter))
        {
            return null;
        }
        return new Functions(((delegate* unmanaged<nint>)context)(), getter, setter);
    }
}
