using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Maha.Layers.Kernels;

namespace Maha.Layers.Tests.Kernels.Cuda;

/// <summary>Compares the fields of a structure in CUDA C++ with those of the C# structure that is passed in its place.</summary>
internal static partial class CudaStructure
{
    /// <summary>Asserts that names, types and order of the fields are the same.</summary>
    public static void AssertSameFields(string source, string name, Type type)
    {
        string text = CudaSources.Read(source);
        int start = text.IndexOf($"struct {name}\n", StringComparison.Ordinal);
        var declared = Declaration().Matches(text[start..text.IndexOf("};", start, StringComparison.Ordinal)])
            .Select(match => $"{TypeName(match.Groups[1].Value)}{(match.Groups[3].Success ? "[]" : "")} {Normal(match.Groups[2].Value)}");
        var fields = type.GetFields().Where(field => !field.IsLiteral).OrderBy(field => field.MetadataToken)
            .Select(field => $"{ElementName(field.FieldType)} {Normal(field.Name)}");
        Assert.Equal(declared, fields);
    }

    private static string Normal(string name) => name.Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();

    private static string ElementName(Type type) => type.GetCustomAttribute<InlineArrayAttribute>() is null
        ? type.Name
        : $"{type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic).Single().FieldType.Name}[]";

    private static string TypeName(string declared) => declared.EndsWith('*')
        ? nameof(IntPtr)
        : declared switch
        {
            "int" => nameof(Int32),
            "unsigned" => nameof(UInt32),
            "long long" => nameof(Int64),
            "float" => nameof(Single),
            "double" => nameof(Double),
            _ => declared,
        };

    [GeneratedRegex(@"^    (?:const )?((?:long long|\w+)\*?) (\w+)(\[\w+\])?;", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
