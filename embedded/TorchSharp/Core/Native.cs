using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace TorchSharp;

/// <summary>One argument or result of an operator, as native/mahatorch.h declares it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeValue
{
    public int Tag;
    public int Count;
    public long Bits;

    public readonly double Real => BitConverter.Int64BitsToDouble(Bits);
}

internal static class Tag
{
    public const int Default = 0, None = 1, Tensor = 2, Int = 3, Double = 4, Bool = 5, IntList = 6, DoubleList = 7,
        TensorList = 8, String = 9, Device = 10, Generator = 11, BoolList = 12;
}

/// <summary>The entries of native/*.cpp. Those that can fail return non-zero and keep a message.</summary>
internal static unsafe partial class Native
{
    private const string Library = "MahaTorch";

    /// <summary>Throws TorchSharp's exception type with libtorch's message when a call failed.</summary>
    public static void Check(int failed)
    {
        if (failed != 0)
            throw new ExternalException(Marshal.PtrToStringUTF8((nint)maha_last_error()));
    }

    [LibraryImport(Library)] private static partial byte* maha_last_error();
    [LibraryImport(Library)] private static partial byte* maha_torch_version();

    public static string TorchVersion => Marshal.PtrToStringUTF8((nint)maha_torch_version());

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int maha_op_resolve(string name, string overload, string names, out nint op);
    [LibraryImport(Library)]
    public static partial int maha_op_call(nint op, NativeValue* arguments, int count, NativeValue* results, int capacity, int* resultCount);

    [LibraryImport(Library)] public static partial void maha_tensor_free(nint handle);
    [LibraryImport(Library)] public static partial nint maha_tensor_share(nint handle);
    [LibraryImport(Library)]
    public static partial int maha_tensor_from_bytes(void* data, long bytes, long* sizes, int dims, int dtype, out nint result);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial long maha_tensor_dim(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial long maha_tensor_numel(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial int maha_tensor_dtype(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial int maha_tensor_device_type(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial int maha_tensor_device_index(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial int maha_tensor_is_contiguous(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial int maha_tensor_requires_grad(nint handle);
    [LibraryImport(Library)] [SuppressGCTransition] public static partial void maha_tensor_layout(nint handle, long* sizes, long* strides, long* offset);
    [LibraryImport(Library)] public static partial int maha_tensor_data(nint handle, out void* data);

    [LibraryImport(Library)] public static partial int maha_tensor_set_requires_grad(nint handle, int value);
    [LibraryImport(Library)] public static partial int maha_tensor_is_leaf(nint handle);
    [LibraryImport(Library)] public static partial int maha_tensor_retain_grad(nint handle);
    [LibraryImport(Library)] public static partial int maha_tensor_grad(nint handle, out nint result);
    [LibraryImport(Library)] public static partial int maha_tensor_set_grad(nint handle, nint grad);
    [LibraryImport(Library)]
    public static partial int maha_backward(nint* tensors, int count, nint* gradients, int gradientCount, int retain, int create, nint* inputs, int inputCount);
    [LibraryImport(Library)]
    public static partial int maha_grad(nint* outputs, int count, nint* inputs, int inputCount, nint* gradients, int gradientCount,
        int retain, int create, int allowUnused, nint* results);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int maha_function_attach(nint* inputs, int inputCount, nint* outputs, int outputCount, byte* differentiable,
        nint* saved, int savedCount, int materialize, string title, nint context,
        delegate* unmanaged<nint, nint*, int, nint*, int, byte*> backward, delegate* unmanaged<nint, void> forget, out nint node);
    [LibraryImport(Library)] public static partial int maha_function_saved(nint node, int index, out nint result);

    [LibraryImport(Library)] [SuppressGCTransition] public static partial int maha_grad_mode();
    [LibraryImport(Library)] [SuppressGCTransition] public static partial void maha_set_grad_mode(int enabled);
    [LibraryImport(Library)] public static partial nint maha_inference_mode_enter(int enabled);
    [LibraryImport(Library)] public static partial void maha_inference_mode_leave(nint guard);
    [LibraryImport(Library)] public static partial int maha_manual_seed(long seed);
    [LibraryImport(Library)] public static partial int maha_generator_new(int deviceType, int deviceIndex, long seed, int useDefault, out nint result);
    [LibraryImport(Library)] public static partial void maha_generator_free(nint generator);
    [LibraryImport(Library)] public static partial int maha_generator_seed(nint generator, long seed);
    [LibraryImport(Library)] public static partial long maha_generator_initial_seed(nint generator);
    [LibraryImport(Library)] public static partial int maha_generator_get_state(nint generator, out nint result);
    [LibraryImport(Library)] public static partial int maha_generator_set_state(nint generator, nint state);
    [LibraryImport(Library)] public static partial int maha_get_num_threads();
    [LibraryImport(Library)] public static partial int maha_set_num_threads(int count);
    [LibraryImport(Library)] public static partial int maha_cuda_device_count();
    [LibraryImport(Library)] public static partial int maha_cuda_synchronize(int index);
}
