using System.Reflection;

namespace Microsoft.ML.Runtime;

public sealed class ComponentCatalog
{
    private const BindingFlags AnyInstance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private const BindingFlags AnyStatic = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private readonly Lock _lock = new();
    private readonly HashSet<string> _assemblies = [];
    private readonly Dictionary<(string Name, Type Signature), Loader> _loaders = [];
    private readonly Dictionary<(Type Attribute, string ContractName), Type> _extensions = [];

    internal ComponentCatalog()
    {
    }

    private sealed record Loader(Type InstanceType, Func<IHostEnvironment, object[], object> Create);

    public void RegisterAssembly(Assembly assembly, bool throwOnError = true)
    {
        Contracts.CheckValue(assembly, nameof(assembly));
        lock (_lock)
        {
            if (!_assemblies.Add(assembly.FullName))
                return;
            foreach (LoadableClassAttributeBase attribute in assembly.GetCustomAttributes<LoadableClassAttributeBase>())
                if (attribute.InstanceType != typeof(void))
                    AddLoader(attribute, throwOnError);
            foreach (Type type in LoadedTypes(assembly))
                if (type.IsClass && type.GetCustomAttribute<ExtensionBaseAttribute>() is { } extension)
                    AddExtension(type, extension, throwOnError);
        }
    }

    private static IEnumerable<Type> LoadedTypes(Assembly assembly)
    {
        try
        {
            return assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException ex)
        {
            return ex.Types.Where(t => t != null);
        }
    }

    private void AddLoader(LoadableClassAttributeBase attribute, bool throwOnError)
    {
        Func<IHostEnvironment, object[], object> create = FindCreate(attribute);
        if (create == null)
        {
            if (throwOnError)
                throw Contracts.Except($"Can't instantiate loadable class '{attribute.InstanceType.Name}' with name '{attribute.LoadNames[0]}': it needs a constructor or a static method Create({string.Join(", ", attribute.ParameterTypes.Select(t => t.Name))}), an IHostEnvironment before them or not, that returns exactly this type.");
            return;
        }
        foreach (string name in attribute.LoadNames)
            if (!_loaders.TryAdd((Normalize(name), attribute.SignatureType), new Loader(attribute.InstanceType, create)) && throwOnError)
                throw Contracts.Except($"ComponentCatalog cannot map name '{name}' and SignatureType '{attribute.SignatureType}' to {attribute.InstanceType.Name}, already mapped to {_loaders[(Normalize(name), attribute.SignatureType)].InstanceType.Name}.");
    }

    private static Func<IHostEnvironment, object[], object> FindCreate(LoadableClassAttributeBase attribute)
    {
        Type loader = attribute.LoaderType;
        Type[] bare = attribute.ParameterTypes;
        Type[] withEnv = [typeof(IHostEnvironment), .. bare];
        ConstructorInfo constructor = null;
        if (attribute.InstanceType.IsAssignableFrom(loader))
            constructor = loader.GetConstructor(AnyInstance, bare) ?? loader.GetConstructor(AnyInstance, withEnv);
        MethodInfo create = loader.GetMethod("Create", AnyStatic, bare) ?? loader.GetMethod("Create", AnyStatic, withEnv);
        if (create?.ReturnType != attribute.InstanceType)
            create = null;
        if (constructor != null && create != null)
        {
            int ctorAccess = Access(constructor), createAccess = Access(create);
            if (ctorAccess == createAccess)
                throw Contracts.Except($"Can't load type {attribute.InstanceType}, because it has both create and constructor methods with the same visibility. Please indicate which one should be used by changing either the signature or the visibility of one of them.");
            if (ctorAccess > createAccess)
                create = null;
            else
                constructor = null;
        }
        MethodBase method = (MethodBase)constructor ?? create;
        if (method == null)
            return null;
        bool takesEnv = method.GetParameters().Length > bare.Length;
        return (env, args) =>
        {
            object[] all = takesEnv ? [env, .. args] : args;
            return method is ConstructorInfo c ? c.Invoke(all) : method.Invoke(null, all);
        };
    }

    private static int Access(MethodBase method) =>
        method.IsPublic ? 5 : method.IsAssembly ? 4 : method.IsFamilyOrAssembly ? 3 : method.IsFamily ? 2 : method.IsPrivate ? 1 : 0;

    private static string Normalize(string name) => name.ToLowerInvariant().Trim();

    internal bool TryCreate<TSig>(IHostEnvironment env, string name, object[] args, out object created)
    {
        Loader loader;
        lock (_lock)
            _loaders.TryGetValue((Normalize(name), typeof(TSig)), out loader);
        created = null;
        if (loader == null)
            return false;
        try
        {
            created = loader.Create(env, args);
            return true;
        }
        catch (TargetInvocationException ex) when (ex.InnerException is EndOfStreamException or OutOfMemoryException or OverflowException)
        {
            throw env.ExceptDecode(ex.InnerException, $"Corrupt model: the loader of '{name}' ran past its data.");
        }
        catch (TargetInvocationException ex) when (ex.InnerException.IsMarked())
        {
            throw Contracts.Except(ex, "Error during class instantiation: " + ex.InnerException.Message);
        }
    }

    private void AddExtension(Type type, ExtensionBaseAttribute extension, bool throwOnError)
    {
        (Type, string) key = (extension.GetType(), extension.ContractName);
        if (!_extensions.TryAdd(key, type) && throwOnError)
            throw Contracts.Except($"ComponentCatalog cannot map contract name '{extension.ContractName}' to {type}, already mapped to {_extensions[key]}.");
    }

    internal object GetExtensionValue(IHostEnvironment env, Type attributeType, string contractName)
    {
        Type type;
        lock (_lock)
            _extensions.TryGetValue((attributeType, contractName ?? ""), out type);
        if (type == null)
            throw env.Except($"Unable to locate {attributeType.Name} with contract name '{contractName}'. Call MLContext.ComponentCatalog.RegisterAssembly with the assembly of the class that bears it.");
        try
        {
            return Activator.CreateInstance(type, nonPublic: true);
        }
        catch (MissingMethodException ex)
        {
            throw env.Except(ex, $"The class {type} of the contract '{contractName}' needs a constructor without parameters.");
        }
    }
}
