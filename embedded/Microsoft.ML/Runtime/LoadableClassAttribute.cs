using Microsoft.ML.Runtime;

namespace Microsoft.ML;

public abstract class LoadableClassAttributeBase : Attribute
{
    internal Type InstanceType { get; }
    internal Type LoaderType { get; }
    internal Type SignatureType { get; }
    internal Type[] ParameterTypes { get; }
    internal string[] LoadNames { get; }

    private protected LoadableClassAttributeBase(Type instType, Type loaderType, Type argType, Type sigType, string userName, string[] loadNames)
    {
        Contracts.CheckValue(instType, nameof(instType));
        Contracts.CheckValue(loaderType, nameof(loaderType));
        Contracts.CheckValue(sigType, nameof(sigType));
        Contracts.CheckParam(sigType.BaseType == typeof(MulticastDelegate), nameof(sigType), "LoadableClass signature type must be a delegate type");
        IEnumerable<Type> parameters = sigType.GetMethod("Invoke").GetParameters().Select(p => p.ParameterType);
        InstanceType = instType;
        LoaderType = loaderType;
        SignatureType = sigType;
        ParameterTypes = [.. argType == null ? parameters : parameters.Prepend(argType)];
        LoadNames = loadNames is { Length: > 0 } ? loadNames : [userName];
        Contracts.CheckParam(!LoadNames.Any(string.IsNullOrWhiteSpace), nameof(loadNames), "LoadableClass loadName parameter can't be empty");
    }
}

[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
public sealed class LoadableClassAttribute : LoadableClassAttributeBase
{
    public LoadableClassAttribute(Type instType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(instType, instType, argType, sigType, userName, loadNames)
    {
    }

    public LoadableClassAttribute(Type instType, Type loaderType, Type argType, Type sigType, string userName, params string[] loadNames)
        : base(instType, loaderType, argType, sigType, userName, loadNames)
    {
    }
}

// Marks a class that a model names by a contract, such as the factory of a custom mapping.
[AttributeUsage(AttributeTargets.Class)]
public abstract class ExtensionBaseAttribute : Attribute
{
    private protected ExtensionBaseAttribute(string contractName)
    {
        ContractName = contractName;
    }

    public string ContractName { get; }
}
