using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Maha.Layers.Kernels;

/// <summary>Compiles CUDA C++ with NVRTC, the compiler that comes with libtorch.</summary>
internal static unsafe partial class CudaCompiler
{
    // From here on the instructions of one architecture only (wgmma, for instance) need its name with an "a".
    private const int FirstSpecificCapability = 90;

    static CudaCompiler() => CudaLibraries.Register();

    /// <summary>The version of NVRTC: 1000 times the major plus 10 times the minor version.</summary>
    public static int Version
    {
        get
        {
            int major, minor;
            Check(GetVersion(&major, &minor), "nvrtcVersion");
            return (major * 1000) + (minor * 10);
        }
    }

    /// <summary>Returns the option that selects a device's architecture: its machine code, or PTX for the nearest older one that NVRTC knows.</summary>
    public static string Architecture(int computeCapability)
    {
        int count;
        Check(GetArchitectureCount(&count), "nvrtcGetNumSupportedArchs");
        int[] known = new int[count];
        fixed (int* first = known)
            Check(GetArchitectures(first), "nvrtcGetSupportedArchs");
        return Architecture(computeCapability, known);
    }

    /// <inheritdoc cref="Architecture(int)"/>
    internal static string Architecture(int computeCapability, IReadOnlyList<int> known)
    {
        if (known.Contains(computeCapability))
            return $"sm_{computeCapability}{(computeCapability >= FirstSpecificCapability ? "a" : "")}";
        int nearest = known.Where(version => version < computeCapability).DefaultIfEmpty().Max();
        return nearest > 0
            ? $"compute_{nearest}"
            : throw new CudaException(string.Create(
                CultureInfo.InvariantCulture,
                $"The device has compute capability {computeCapability / 10.0:F1}, but NVRTC supports {known.Min() / 10.0:F1} and later."));
    }

    /// <summary>Compiles a source for a device.</summary>
    /// <param name="name">The file name, for messages.</param>
    /// <param name="source">The text.</param>
    /// <param name="headers">The files that it may include: names and texts.</param>
    /// <param name="options">Options of the compiler.</param>
    /// <returns>Machine code, or PTX with a final 0, as the driver loads it.</returns>
    /// <exception cref="CudaException">The source has errors; the message has the compiler's log.</exception>
    public static byte[] Compile(string name, string source, IReadOnlyList<(string Name, string Text)> headers, IReadOnlyList<string> options)
    {
        using var memory = new NativeTexts();
        byte** texts = memory.Add(headers.Select(header => header.Text));
        byte** names = memory.Add(headers.Select(header => header.Name));
        nint program;
        Check(CreateProgram(&program, memory.Add(source), memory.Add(name), headers.Count, texts, names), "nvrtcCreateProgram");
        try
        {
            int result = CompileProgram(program, options.Count, memory.Add(options));
            if (result != 0)
                throw new CudaException($"{name} was not compiled with {string.Join(' ', options)}: {ErrorText(result)}\n{Log(program)}");
            bool machineCode = options.Any(option => option.Contains("=sm_", StringComparison.Ordinal));
            nuint size;
            Check(machineCode ? GetCubinSize(program, &size) : GetPtxSize(program, &size), "nvrtcGetCUBINSize");
            byte[] code = new byte[size];
            fixed (byte* first = code)
                Check(machineCode ? GetCubin(program, first) : GetPtx(program, first), "nvrtcGetCUBIN");
            return code;
        }
        finally
        {
            _ = DestroyProgram(&program);
        }
    }

    private static string Log(nint program)
    {
        nuint size;
        if (GetLogSize(program, &size) != 0 || size <= 1)
            return "";
        byte[] log = new byte[size];
        fixed (byte* first = log)
        {
            if (GetLog(program, first) != 0)
                return "";
        }
        return Encoding.UTF8.GetString(log).TrimEnd('\0', '\n');
    }

    private static void Check(int result, string call)
    {
        if (result != 0)
            throw new CudaException($"{call} failed: {ErrorText(result)}.");
    }

    private static string ErrorText(int result) => Marshal.PtrToStringUTF8((nint)GetErrorString(result)) ?? $"error {result}";

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcVersion")]
    private static partial int GetVersion(int* major, int* minor);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetNumSupportedArchs")]
    private static partial int GetArchitectureCount(int* count);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetSupportedArchs")]
    private static partial int GetArchitectures(int* architectures);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcCreateProgram")]
    private static partial int CreateProgram(nint* program, byte* source, byte* name, int headerCount, byte** headers, byte** includeNames);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcDestroyProgram")]
    private static partial int DestroyProgram(nint* program);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcCompileProgram")]
    private static partial int CompileProgram(nint program, int optionCount, byte** options);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetCUBINSize")]
    private static partial int GetCubinSize(nint program, nuint* size);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetCUBIN")]
    private static partial int GetCubin(nint program, byte* code);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetPTXSize")]
    private static partial int GetPtxSize(nint program, nuint* size);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetPTX")]
    private static partial int GetPtx(nint program, byte* code);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetProgramLogSize")]
    private static partial int GetLogSize(nint program, nuint* size);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetProgramLog")]
    private static partial int GetLog(nint program, byte* log);

    [LibraryImport(CudaLibraries.Compiler, EntryPoint = "nvrtcGetErrorString")]
    private static partial byte* GetErrorString(int result);
}
