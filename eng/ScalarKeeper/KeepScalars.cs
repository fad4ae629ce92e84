using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Maha.ScalarKeeper;

/// <summary>
/// Turns calls of a compiled assembly that make a <c>TorchSharp.Scalar</c> which nothing keeps alive into calls of <c>Maha.Layers.Core.KeptScalars</c>, whose methods say by
/// <c>[InPlaceOf]</c> what they stand in for. A call that has no such method is an error.
/// </summary>
public sealed class KeepScalars : Task
{
    private const string KeeperType = "Maha.Layers.Core.KeptScalars";
    private const string Attribute = "InPlaceOfAttribute";

    /// <summary>The assembly; it and its symbols are rewritten in place.</summary>
    [Required]
    public string Assembly { get; set; } = "";

    /// <summary>The assemblies that it was compiled against.</summary>
    [Required]
    public ITaskItem[] References { get; set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        using var resolver = new DefaultAssemblyResolver();
        foreach (string folder in References.Select(item => Path.GetDirectoryName(item.ItemSpec)!).Distinct())
            resolver.AddSearchDirectory(folder);
        var torchSharp = References.FirstOrDefault(item => Path.GetFileName(item.ItemSpec) == "TorchSharp.dll");
        if (torchSharp is null)
        {
            Log.LogError("Scalars are kept alive in assemblies that use TorchSharp, but TorchSharp.dll is not referenced. Reference its package.");
            return false;
        }
        using var library = AssemblyDefinition.ReadAssembly(torchSharp.ItemSpec, new ReaderParameters { AssemblyResolver = resolver });
        string symbols = Path.ChangeExtension(Assembly, ".pdb");
        bool hasSymbols = File.Exists(symbols);
        using var assembly = AssemblyDefinition.ReadAssembly(Assembly, new ReaderParameters { AssemblyResolver = resolver, InMemory = true, ReadSymbols = hasSymbols });

        int replaced = Replace(assembly.MainModule, new UnsafeCalls(library.MainModule));
        if (Log.HasLoggedErrors)
            return false;
        if (replaced > 0)
            assembly.Write(Assembly, new WriterParameters { WriteSymbols = hasSymbols, DeterministicMvid = true });
        Log.LogMessage(MessageImportance.Low, $"{replaced} calls of {Path.GetFileName(Assembly)} keep their Scalars alive.");
        return true;
    }

    private int Replace(ModuleDefinition module, UnsafeCalls unsafeCalls)
    {
        var keeper = module.GetType(KeeperType) ?? KeeperOf(module);
        var standIns = keeper?.Methods.SelectMany(method => StandsInFor(method).Select(key => (key, method))).ToDictionary(pair => pair.key, pair => pair.method) ?? [];
        int replaced = 0;
        foreach (var method in module.GetTypes().Where(type => type.FullName != KeeperType).SelectMany(type => type.Methods).Where(method => method.HasBody))
        {
            foreach (var instruction in method.Body.Instructions)
            {
                if (instruction.Operand is not MethodReference called || !unsafeCalls.Contains(called))
                    continue;

                // A constructor calls that of its base type: a type of ours that takes the place of an unsafe one.
                if (called.Name == ".ctor" && instruction.OpCode == OpCodes.Call)
                    continue;
                if (!standIns.TryGetValue(Key(called), out var standIn))
                {
                    Log.LogError($"{method.FullName} calls {called.FullName}, which makes a Scalar that a garbage collection can free during the native call. "
                        + $"Add a method [InPlaceOf(typeof({called.DeclaringType.Name}), \"{called.Name}\")] to {KeeperType}, or call another member.");
                    continue;
                }
                instruction.OpCode = OpCodes.Call;
                instruction.Operand = module.ImportReference(standIn);
                replaced++;
            }
        }
        return replaced;
    }

    private static TypeDefinition? KeeperOf(ModuleDefinition module) =>
        module.AssemblyReferences.Where(reference => reference.Name == "Maha.Layers").Select(reference => module.AssemblyResolver.Resolve(reference).MainModule.GetType(KeeperType)).FirstOrDefault();

    // The member's name in its type and what it takes, an instance first: the shape of the static method.
    private static IEnumerable<string> StandsInFor(MethodDefinition method) => method.CustomAttributes.Where(attribute => attribute.AttributeType.Name == Attribute).Select(attribute =>
        Key(((TypeReference)attribute.ConstructorArguments[0].Value).FullName, (string)attribute.ConstructorArguments[1].Value, method.Parameters.Select(parameter => parameter.ParameterType.FullName), method.ReturnType.FullName));

    private static string Key(MethodReference method)
    {
        var parameters = method.Parameters.Select(parameter => parameter.ParameterType.FullName);
        return Key(method.DeclaringType.FullName, method.Name, method.HasThis && method.Name != ".ctor" ? parameters.Prepend(method.DeclaringType.FullName) : parameters, method.ReturnType.FullName);
    }

    private static string Key(string type, string name, IEnumerable<string> parameters, string result) => $"{result} {type}::{name}({string.Join(",", parameters)})";
}
