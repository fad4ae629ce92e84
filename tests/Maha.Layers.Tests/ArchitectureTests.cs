using System.Reflection;
using System.Text.RegularExpressions;
using Maha.Layers.Attention;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Maha.Layers.Tests;

/// <summary>The rooms of the library and the arrows between them, which go one way: docs/architecture.md draws them.</summary>
public sealed partial class ArchitectureTests
{
    // A type uses its own room and those below it.
    private static readonly string[] s_rooms =
    [
        "Training", "Generation", "Swap", "Pretrained", "Models", "Text/Spectral", "Data", "Blocks",
        "Attention/Reference", "Attention/Maha", "Attention/Maha/Aggregation", "Attention/Maha/Pyramid", "Attention/Hsa", "Attention/Window", "Attention/Full", "Attention",
        "Weights", "Trees", "Text/Tokenization", "Kernels", "Core/Autograd", "Core",
    ];

    private static readonly string s_source = Path.Combine(
        typeof(ArchitectureTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "Root").Value!, "src", "Maha.Layers");

    [Fact]
    public void EveryFile_HasARoom() => Assert.All(RoomsOfTypes().Values, room => Assert.Contains(room, s_rooms));

    [Fact]
    public void EveryNamespace_IsThatOfTheRoom()
    {
        foreach (string file in Files())
        {
            string room = RoomOf(file).Split('/')[0];
            Assert.Equal($"Maha.Layers.{room}", NamespaceOf().Match(File.ReadAllText(file)).Groups[1].Value);
        }
    }

    [Fact]
    public void NoArrow_PointsUp()
    {
        var rooms = RoomsOfTypes();
        using var assembly = AssemblyDefinition.ReadAssembly(typeof(MahaBlockOptions).Assembly.Location);
        var up = assembly.MainModule.Types
            .Where(type => rooms.ContainsKey(type.FullName))
            .SelectMany(type => Uses(type).Distinct().Where(rooms.ContainsKey).Select(used => (From: type.FullName, To: used)))
            .Where(arrow => Array.IndexOf(s_rooms, rooms[arrow.To]) < Array.IndexOf(s_rooms, rooms[arrow.From]))
            .Select(arrow => $"{rooms[arrow.From]}: {arrow.From} uses {arrow.To} of {rooms[arrow.To]}")
            .ToList();
        Assert.True(up.Count == 0, $"s_rooms use rooms below them only. Move the type, or what it needs:\n{string.Join('\n', up)}");
    }

    [Fact]
    public void Uses_AreFound()
    {
        // The test of the test: a field, a call and a base type are uses.
        using var assembly = AssemblyDefinition.ReadAssembly(typeof(MahaBlockOptions).Assembly.Location);
        var used = Uses(assembly.MainModule.GetType("Maha.Layers.Blocks.MahaBlock")).ToHashSet();
        Assert.Contains("Maha.Layers.Attention.TokenMixer", used);
        Assert.Contains("Maha.Layers.Blocks.TokenMixers", used);
        Assert.Contains("Maha.Layers.Attention.MixingResult", used);
    }

    private static IEnumerable<string> Files() => Directory.EnumerateFiles(s_source, "*.cs", SearchOption.AllDirectories).Where(file => RoomOf(file).Split('/')[0] is not ("obj" or "bin"));

    private static string RoomOf(string file) => Path.GetRelativePath(s_source, Path.GetDirectoryName(file)!).Replace('\\', '/');

    private static Dictionary<string, string> RoomsOfTypes()
    {
        var rooms = new Dictionary<string, string>();
        foreach (string file in Files())
        {
            string text = File.ReadAllText(file);
            foreach (Match type in TypeOf().Matches(text))
                rooms[$"{NamespaceOf().Match(text).Groups[1].Value}.{type.Groups[1].Value}"] = RoomOf(file);
        }
        return rooms;
    }

    // Generic types are named as the source names them.
    private static IEnumerable<string> Uses(TypeDefinition type) => References(type).Where(reference => reference is not null).SelectMany(reference => Outermost(reference!)).Select(name => name.Split('`')[0]);

    private static IEnumerable<TypeReference?> References(TypeDefinition type) =>
    [
        type.BaseType,
        .. type.Interfaces.Select(item => item.InterfaceType),
        .. type.Fields.Select(field => field.FieldType),
        .. type.Properties.Select(property => property.PropertyType),
        .. type.Methods.SelectMany(References),
        .. type.NestedTypes.SelectMany(References),
    ];

    private static IEnumerable<TypeReference?> References(MethodDefinition method) =>
    [
        method.ReturnType,
        .. method.Parameters.Select(parameter => parameter.ParameterType),
        .. method.HasBody ? method.Body.Variables.Select(variable => variable.VariableType) : [],
        .. method.HasBody ? method.Body.Instructions.SelectMany(References) : [],
    ];

    private static IEnumerable<TypeReference?> References(Instruction instruction) => instruction.Operand switch
    {
        GenericInstanceMethod called => [called.DeclaringType, .. called.GenericArguments],
        MemberReference and not TypeReference and var member => [member.DeclaringType],
        TypeReference type => [type],
        _ => [],
    };

    private static IEnumerable<string> Outermost(TypeReference reference)
    {
        switch (reference)
        {
            case GenericInstanceType generic:
                return generic.GenericArguments.SelectMany(Outermost).Concat(Outermost(generic.ElementType));
            case TypeSpecification specification:
                return Outermost(specification.ElementType);
            case { DeclaringType: { } outer }:
                return Outermost(outer);
            default:
                return [reference.FullName];
        }
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceOf();

    [GeneratedRegex(@"^(?:public |internal )(?:static |sealed |abstract |readonly |partial |unsafe |ref )*(?:class|record struct|record|struct|enum|interface|delegate \S+) ([A-Z]\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeOf();
}
