using Maha.ScalarKeeper;
using Mono.Cecil;
using TorchSharp;

namespace Maha.TestData;

/// <summary>Finds the calls in a compiled assembly that make a Scalar which nothing keeps alive while native code reads it.</summary>
internal static class UnsafeScalarCalls
{
    private static readonly UnsafeCalls s_unsafe = new(Module(typeof(torch).Assembly.Location));

    /// <summary>The calls of an assembly, one line each.</summary>
    /// <param name="file">The assembly's file name, beside the tests.</param>
    /// <param name="exceptType">The name of a type whose calls are not looked at.</param>
    public static List<string> In(string file, string exceptType = "") =>
    [
        .. from type in Module(Path.Combine(AppContext.BaseDirectory, file)).GetTypes()
           where type.Name != exceptType
           from method in type.Methods
           where method.HasBody
           from instruction in method.Body.Instructions
           let called = instruction.Operand as MethodReference
           where called is not null && s_unsafe.Contains(called) && !(called.Name == ".ctor" && instruction.OpCode == Mono.Cecil.Cil.OpCodes.Call)
           select $"{method.FullName} calls {called.FullName}",
    ];

    private static ModuleDefinition Module(string path)
    {
        var resolver = new DefaultAssemblyResolver();
        resolver.AddSearchDirectory(AppContext.BaseDirectory);
        resolver.AddSearchDirectory(Path.GetDirectoryName(typeof(object).Assembly.Location));
        return AssemblyDefinition.ReadAssembly(path, new ReaderParameters { AssemblyResolver = resolver }).MainModule;
    }
}
