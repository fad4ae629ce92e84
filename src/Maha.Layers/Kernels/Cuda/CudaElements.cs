using System.Collections.Concurrent;
using static TorchSharp.torch;

namespace Maha.Layers.Kernels;

/// <summary>The element types of the kernels that include <c>elements.cuh</c>, and the options that select them.</summary>
internal static class CudaElements
{
    /// <summary>The bytes that a thread reads at once; addresses and rows are divisible by it.</summary>
    public const int VectorBytes = 16;

    private static readonly ConcurrentDictionary<(string Define, int Value, ScalarType Type), string> s_options = new();

    /// <summary>Whether kernels exist for an element type.</summary>
    public static bool IsSupported(ScalarType type) => type is ScalarType.Float32 or ScalarType.BFloat16;

    /// <summary>The options that select an element type. The same text object at each call.</summary>
    public static string Options(ScalarType type) => type == ScalarType.BFloat16 ? "-DBFLOAT16" : "";

    /// <summary>The options that select an element type and set a number that the source needs at compile time. The same text object at each call.</summary>
    public static string Options(ScalarType type, string define, int value) =>
        s_options.GetOrAdd((define, value, type), static key => $"-D{key.Define}={key.Value} {Options(key.Type)}".TrimEnd());

    /// <summary>Whether rows of this many elements consist of whole vectors.</summary>
    public static bool HasWholeVectors(long width, ScalarType type) => width * (type == ScalarType.BFloat16 ? 2 : 4) % VectorBytes == 0;

    /// <summary>Whether a contiguous tensor begins at the beginning of a vector, as all do that are no views into others.</summary>
    public static bool IsAligned(Tensor tensor) => CudaArgument.Address(tensor) % VectorBytes == 0;
}
