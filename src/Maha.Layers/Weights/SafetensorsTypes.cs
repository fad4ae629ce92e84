using static TorchSharp.torch;

namespace Maha.Layers.Weights;

/// <summary>The element types of safetensors files that are supported, with their names in a header.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, ScalarType Type, int Size)[] s_known =
    [
        ("F64", ScalarType.Float64, 8),
        ("F32", ScalarType.Float32, 4),
        ("F16", ScalarType.Float16, 2),
        ("BF16", ScalarType.BFloat16, 2),
        ("I64", ScalarType.Int64, 8),
        ("I32", ScalarType.Int32, 4),
        ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1),
        ("U8", ScalarType.Byte, 1),
        ("BOOL", ScalarType.Bool, 1),
    ];

    /// <summary>The names of all types, for messages.</summary>
    public static string Names { get; } = string.Join(", ", s_known.Select(known => known.Name));

    /// <summary>Returns the type of a name and its size in bytes, or null for an unknown name.</summary>
    public static (ScalarType Type, int Size)? Find(string name)
    {
        foreach (var known in s_known)
        {
            if (known.Name == name)
                return (known.Type, known.Size);
        }
        return null;
    }

    /// <summary>Returns the name of a type and its size in bytes, or null for an unsupported type.</summary>
    public static (string Name, int Size)? Find(ScalarType type)
    {
        foreach (var known in s_known)
        {
            if (known.Type == type)
                return (known.Name, known.Size);
        }
        return null;
    }
}
