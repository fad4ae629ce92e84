using System.Globalization;
using System.Reflection;
using System.Text;

namespace Maha.Embedded.Tests;

/// <summary>One accessible member: its type, what it is, and its signature as text.</summary>
internal sealed record ApiMember(string Type, string Kind, string Signature)
{
    public override string ToString() => $"{Type}\t{Kind}\t{Signature}";
}

/// <summary>
/// Prints the public surface of a loaded assembly, one line per public or protected member, and compares it with the list of the
/// assembly it stands in for (tab separated: assembly, type, kind, signature, visibility).
/// </summary>
internal sealed class ApiManifest
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private readonly SortedSet<string> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _hiddenInterfaces;

    private ApiManifest(HashSet<string> hiddenInterfaces)
    {
        _hiddenInterfaces = hiddenInterfaces;
    }

    /// <summary>The members of the assembly that the list lacks; <paramref name="ignoredTypes"/> are left out.</summary>
    public static IReadOnlyList<string> Differences(Assembly assembly, string listPath, params string[] ignoredTypes)
    {
        var real = new HashSet<string>(StringComparer.Ordinal);
        var hiddenInterfaces = new HashSet<string>(StringComparer.Ordinal);
        foreach (string line in File.ReadLines(listPath))
        {
            string[] fields = line.Split('\t');
            real.Add(new ApiMember(fields[1], fields[2], fields[3]).ToString());
            // An interface that is internal there doesn't show in the signatures of the types that implement it.
            if (fields[2] == "type" && fields[3].StartsWith("interface ", StringComparison.Ordinal) && fields[4] == "internal")
                hiddenInterfaces.Add(fields[1]);
        }
        return [.. Of(assembly, hiddenInterfaces).Where(m => !real.Contains(m) && !ignoredTypes.Contains(m.Split('\t')[0]))];
    }

    /// <summary>Type, kind and signature, tab separated, of every public or protected member of the assembly.</summary>
    public static IReadOnlyCollection<string> Of(Assembly assembly, IEnumerable<string>? hiddenInterfaces = null)
    {
        var manifest = new ApiManifest([.. hiddenInterfaces ?? []]);
        foreach (Type type in assembly.GetTypes())
            if (Visible(type) && !type.FullName!.Contains('<'))
                manifest.AddType(type);
        return manifest._members;
    }

    private static bool Visible(Type type) =>
        type.IsPublic || (type.IsNested && (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && Visible(type.DeclaringType!));

    private static bool Visible(MethodBase? method) => method != null && (method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly);

    private void Add(string type, string kind, string signature) => _members.Add(new ApiMember(type, kind, signature.Replace('\t', ' ')).ToString());

    private void AddType(Type type)
    {
        string name = NameOf(type);
        bool isDelegate = type.BaseType == typeof(MulticastDelegate);
        Add(name, "type", TypeSignature(type, isDelegate));
        if (isDelegate)
            return;
        if (type.IsEnum)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
                Add(name, "enum-value", $"{field.Name} = {Invariant(field.GetRawConstantValue())}");
            return;
        }
        foreach (MemberInfo member in type.GetMembers(Declared))
            AddMember(name, type, member);
    }

    private void AddMember(string typeName, Type type, MemberInfo member)
    {
        // Compiler made, or the explicit implementation of an interface.
        if (member.Name.Contains('<') || (member.Name.Contains('.') && member is not ConstructorInfo))
            return;
        switch (member)
        {
            case ConstructorInfo constructor when !constructor.IsStatic && Visible(constructor):
                Add(typeName, "ctor", $"{SimpleName(type)}({Parameters(constructor)})");
                break;
            case MethodInfo method when Visible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)):
                string generics = method.IsGenericMethodDefinition ? $"<{string.Join(", ", method.GetGenericArguments().Select(a => a.Name))}>" : "";
                Add(typeName, "method", $"{Modifiers(method, type)}{ReturnType(method.ReturnParameter)} {method.Name}{generics}({Parameters(method)})");
                break;
            case PropertyInfo property when Visible(property.GetMethod) || Visible(property.SetMethod):
                Add(typeName, "property", PropertySignature(property, type));
                break;
            case EventInfo e when Visible(e.AddMethod):
                Add(typeName, "event", $"{Modifiers(e.AddMethod!, type)}event {NameOf(e.EventHandlerType!)} {e.Name}");
                break;
            case FieldInfo field when field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly:
                string kind = field.IsLiteral ? "const "
                    : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "")
                        + (field.GetRequiredCustomModifiers().Any(m => m.Name == "IsVolatile") ? "volatile " : "");
                Add(typeName, "field", $"{kind}{NameOf(field.FieldType)} {field.Name}{(field.IsLiteral ? " = " + Literal(field.GetRawConstantValue(), field.FieldType) : "")}");
                break;
        }
    }

    private static string PropertySignature(PropertyInfo property, Type type)
    {
        MethodInfo?[] accessors = [property.GetMethod, property.SetMethod];
        bool isPublic = accessors.Any(a => a is { IsPublic: true });
        string Accessor(MethodInfo? accessor, string keyword) =>
            !Visible(accessor) ? "" : (isPublic && !accessor!.IsPublic ? "protected " : "") + keyword + "; ";

        bool isInit = property.SetMethod?.ReturnParameter.GetRequiredCustomModifiers().Any(m => m.Name == "IsExternalInit") == true;
        ParameterInfo[] indexers = property.GetIndexParameters();
        string name = indexers.Length == 0 ? property.Name : $"this[{string.Join(", ", indexers.Select(p => Parameter(p, false)))}]";
        string result = property.GetMethod != null ? ReturnType(property.GetMethod.ReturnParameter) : ReturnType(property.SetMethod!.GetParameters()[^1]);
        return $"{Modifiers((property.GetMethod ?? property.SetMethod)!, type)}{result} {name} {{ {Accessor(property.GetMethod, "get")}{Accessor(property.SetMethod, isInit ? "init" : "set")}}}";
    }

    private string TypeSignature(Type type, bool isDelegate)
    {
        if (isDelegate)
        {
            MethodInfo invoke = type.GetMethod("Invoke")!;
            return $"delegate {ReturnType(invoke.ReturnParameter)} {SimpleName(type, true)}({Parameters(invoke)})";
        }
        if (type.IsEnum)
            return $"enum {SimpleName(type)} : {NameOf(type.GetEnumUnderlyingType())}";
        string kind = type.IsInterface ? "interface"
            : type.IsValueType ? (Has(type, "IsByRefLikeAttribute") ? "ref " : "") + (Has(type, "IsReadOnlyAttribute") ? "readonly struct" : "struct")
            : (type.IsAbstract, type.IsSealed) switch
            {
                (true, true) => "static class",
                (true, false) => "abstract class",
                (false, true) => "sealed class",
                _ => "class",
            };
        var bases = new List<string>();
        if (type.BaseType != null && type.BaseType != typeof(object) && type.BaseType != typeof(ValueType))
            bases.Add(NameOf(type.BaseType));
        bases.AddRange(type.GetInterfaces().Where(Shown).Select(NameOf).Order(StringComparer.Ordinal));
        return $"{kind} {SimpleName(type, true)}{(bases.Count > 0 ? " : " + string.Join(", ", bases) : "")}";
    }

    private bool Shown(Type face)
    {
        for (Type? t = face; t != null; t = t.DeclaringType)
            if (!t.IsPublic && !t.IsNestedPublic)
                return false;
        if (_hiddenInterfaces.Contains(NameOf(face.IsGenericType ? face.GetGenericTypeDefinition() : face)))
            return false;
        return !face.IsGenericType || face.GetGenericArguments().All(a => a.IsGenericParameter || a.HasElementType || Shown(a));
    }

    private static bool Has(MemberInfo member, string attribute) => member.GetCustomAttributesData().Any(a => a.AttributeType.Name == attribute);

    private static bool Has(ParameterInfo parameter, string attribute) => parameter.GetCustomAttributesData().Any(a => a.AttributeType.Name == attribute);

    private static string Modifiers(MethodBase method, Type type)
    {
        if (type.IsInterface)
            return method.IsStatic ? method.IsAbstract ? "static abstract " : "static " : "";
        if (method.IsStatic)
            return "static ";
        bool isNew = (method.Attributes & MethodAttributes.NewSlot) != 0;
        if (method.IsAbstract)
            return isNew ? "abstract " : "abstract override ";
        if (!method.IsVirtual)
            return "";
        if (!isNew)
            return method.IsFinal && !type.IsSealed ? "sealed override " : "override ";
        return method.IsFinal ? "" : "virtual ";
    }

    private static string Parameters(MethodBase method)
    {
        bool isExtension = method.IsStatic && Has(method, "ExtensionAttribute");
        return string.Join(", ", method.GetParameters().Select((p, i) => (isExtension && i == 0 ? "this " : "") + Parameter(p, true)));
    }

    private static string Parameter(ParameterInfo parameter, bool withDefault)
    {
        Type type = parameter.ParameterType;
        string modifier = "";
        if (type.IsByRef)
        {
            type = type.GetElementType()!;
            modifier = parameter is { IsOut: true, IsIn: false } ? "out "
                : Has(parameter, "IsReadOnlyAttribute") ? "in "
                : Has(parameter, "RequiresLocationAttribute") ? "ref readonly " : "ref ";
        }
        else if (Has(parameter, "ParamArrayAttribute") || Has(parameter, "ParamCollectionAttribute"))
            modifier = "params ";
        string value = "";
        if (withDefault && parameter.IsOptional)
            value = (parameter.Attributes & ParameterAttributes.HasDefault) != 0 ? " = " + Literal(parameter.RawDefaultValue, type) : " = ?";
        return $"{modifier}{NameOf(type)} {parameter.Name}{value}";
    }

    private static string ReturnType(ParameterInfo result)
    {
        Type type = result.ParameterType;
        return type.IsByRef ? (Has(result, "IsReadOnlyAttribute") ? "ref readonly " : "ref ") + NameOf(type.GetElementType()!) : NameOf(type);
    }

    private static string Invariant(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;

    private static string Literal(object? value, Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            if (value == null)
                return "null";
            type = underlying;
        }
        if (value == null)
            return type.IsValueType || type.IsGenericParameter ? "default" : "null";
        if (type.IsEnum)
        {
            FieldInfo? named = type.GetFields(BindingFlags.Public | BindingFlags.Static)
                .FirstOrDefault(f => Convert.ToDecimal(f.GetRawConstantValue(), CultureInfo.InvariantCulture) == Convert.ToDecimal(value, CultureInfo.InvariantCulture));
            return named != null ? $"{NameOf(type)}.{named.Name}" : $"({NameOf(type)}){Invariant(value)}";
        }
        return value switch
        {
            bool b => b ? "true" : "false",
            string s => Quote(s, '"'),
            char c => Quote(c.ToString(), '\''),
            float f => f.ToString("R", CultureInfo.InvariantCulture) + "f",
            double d => d.ToString("R", CultureInfo.InvariantCulture) + "d",
            _ => Invariant(value),
        };
    }

    private static string Quote(string text, char quote)
    {
        var quoted = new StringBuilder().Append(quote);
        foreach (char c in text)
            if (c == quote || c == '\\')
                quoted.Append('\\').Append(c);
            else if (c is < ' ' or > '~')
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                quoted.Append(c);
        return quoted.Append(quote).ToString();
    }

    private static string WithoutArity(string name) => name.Split('`')[0];

    private static string SimpleName(Type type, bool withGenerics = false)
    {
        string name = WithoutArity(type.Name);
        if (!withGenerics || !type.IsGenericType)
            return name;
        int outer = type.DeclaringType is { IsGenericType: true } declaring ? declaring.GetGenericArguments().Length : 0;
        Type[] own = type.GetGenericArguments()[outer..];
        return own.Length > 0 ? $"{name}<{string.Join(", ", own.Select(a => a.Name))}>" : name;
    }

    private static string NameOf(Type type)
    {
        if (type.IsByRef)
            return "ref " + NameOf(type.GetElementType()!);
        if (type.IsArray)
            return $"{NameOf(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        if (type.IsPointer)
            return NameOf(type.GetElementType()!) + "*";
        if (type.IsFunctionPointer)
            return "delegate*";
        if (type.IsGenericParameter)
            return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } underlying && !type.IsGenericTypeDefinition)
            return NameOf(underlying) + "?";

        var chain = new Stack<Type>();
        for (Type? t = type; t != null; t = t.DeclaringType)
            chain.Push(t);
        Type[] arguments = type.IsGenericType ? type.GetGenericArguments() : [];
        int used = 0;
        var parts = new List<string>();
        foreach (Type t in chain)
        {
            int count = t.IsGenericType ? t.GetGenericArguments().Length : 0;
            string name = WithoutArity(t.Name);
            parts.Add(count > used ? $"{name}<{string.Join(", ", arguments[used..count].Select(NameOf))}>" : name);
            used = Math.Max(used, count);
        }
        return (string.IsNullOrEmpty(type.Namespace) ? "" : type.Namespace + ".") + string.Join(".", parts);
    }
}
