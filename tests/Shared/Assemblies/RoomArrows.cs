using System.Reflection;
using System.Text.RegularExpressions;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Maha.TestData;

/// <summary>The rooms of an assembly, which are the folders of its source, and the uses of types between them.</summary>
/// <param name="assembly">The compiled assembly.</param>
/// <param name="source">The folder of its source.</param>
/// <param name="rooms">The rooms as relative paths, the highest first; a type uses its own room and those after it. "." is the folder itself.</param>
internal sealed partial class RoomArrows(Assembly assembly, string source, IReadOnlyList<string> rooms)
{
    /// <summary>The source files by their rooms.</summary>
    public IEnumerable<(string File, string Room)> Files => Directory.EnumerateFiles(source, "*.cs", SearchOption.AllDirectories)
        .Select(file => (file, Path.GetRelativePath(source, Path.GetDirectoryName(file)!).Replace('\\', '/')))
        .Where(file => file.Item2.Split('/')[0] is not ("obj" or "bin"));

    /// <summary>The namespaces of a file.</summary>
    public static IEnumerable<string> NamespacesOf(string file) => NamespaceOf().Matches(File.ReadAllText(file)).Select(match => match.Groups[1].Value);

    /// <summary>The files that are in no room of the list.</summary>
    public IReadOnlyList<string> FilesWithoutRoom() => [.. Files.Where(file => !rooms.Contains(file.Room)).Select(file => file.File)];

    /// <summary>The uses of a type by a type of a room after its own, in words.</summary>
    public IReadOnlyList<string> ArrowsThatPointUp()
    {
        var roomOf = RoomsOfTypes();
        var order = rooms.Select((room, index) => (room, index)).ToDictionary(pair => pair.room, pair => pair.index);
        using var definition = AssemblyDefinition.ReadAssembly(assembly.Location);
        return
        [
            .. definition.MainModule.Types
                .Where(type => roomOf.ContainsKey(type.FullName.Split('`')[0]))
                .SelectMany(type => Uses(type).Distinct().Where(roomOf.ContainsKey).Select(used => (From: type.FullName.Split('`')[0], To: used)))
                .Where(arrow => order[roomOf[arrow.To]] < order[roomOf[arrow.From]])
                .Select(arrow => $"{roomOf[arrow.From]}: {arrow.From} uses {arrow.To} of {roomOf[arrow.To]}"),
        ];
    }

    /// <summary>The types that a type uses, nested ones by the type around them and generic ones as the source names them.</summary>
    public IReadOnlySet<string> UsesOf(string type)
    {
        using var definition = AssemblyDefinition.ReadAssembly(assembly.Location);
        return Uses(definition.MainModule.GetType(type)).ToHashSet();
    }

    private Dictionary<string, string> RoomsOfTypes()
    {
        var found = new Dictionary<string, string>();
        foreach (var (file, room) in Files)
        {
            string text = File.ReadAllText(file);
            var namespaces = NamespaceOf().Matches(text);
            foreach (Match type in TypeOf().Matches(text))
            {
                if (namespaces.LastOrDefault(space => space.Index < type.Index) is { } around)
                    found[$"{around.Groups[1].Value}.{type.Groups[1].Value}"] = room;
            }
        }
        return found;
    }

    private static IEnumerable<string> Uses(TypeDefinition type) =>
        References(type).Where(reference => reference is not null).SelectMany(reference => Outermost(reference!)).Select(name => name.Split('`')[0]);

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
            case FunctionPointerType pointer:
                return pointer.Parameters.Select(parameter => parameter.ParameterType).Append(pointer.ReturnType).SelectMany(Outermost);
            case TypeSpecification specification:
                return Outermost(specification.ElementType);
            case { DeclaringType: { } outer }:
                return Outermost(outer);
            default:
                return [reference.FullName];
        }
    }

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceOf();

    [GeneratedRegex(
        @"^ {0,4}(?:public |internal )(?:static |sealed |abstract |readonly |partial |unsafe |ref )*(?:class|record struct|record|struct|enum|interface|delegate \S+) ([A-Z]\w+)",
        RegexOptions.Multiline)]
    private static partial Regex TypeOf();
}
