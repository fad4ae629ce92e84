using System;
using System.Collections.Generic;
using System.Linq;
using Mono.Cecil;

namespace Maha.ScalarKeeper;

/// <summary>The members of TorchSharp that make a Scalar which nothing keeps alive during the native call that takes it.</summary>
internal sealed class UnsafeCalls
{
    private const string Scalar = "TorchSharp.Scalar";
    private const string Conversions = "TorchSharp.ScalarExtensionMethods";
    private const string Tensor = "TorchSharp.torch/Tensor";

    private readonly HashSet<string> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _types = new(StringComparer.Ordinal);

    /// <summary>Reads TorchSharp's own code: what makes a Scalar, and what calls such a member in turn.</summary>
    public UnsafeCalls(ModuleDefinition torchSharp)
    {
        var callers = new Dictionary<string, HashSet<string>>(StringComparer.Ordinal);
        var open = new Queue<string>();
        foreach (var method in torchSharp.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody && !IsConversion(method)))
        {
            foreach (var called in method.Body.Instructions.Select(instruction => instruction.Operand).OfType<MethodReference>())
            {
                if (IsConversion(called))
                    Add(Key(method));
                else if (callers.TryGetValue(Key(called), out var known))
                    known.Add(Key(method));
                else
                    callers[Key(called)] = [Key(method)];
            }
        }
        while (open.Count > 0)
        {
            if (callers.TryGetValue(open.Dequeue(), out var reached))
            {
                foreach (string caller in reached)
                    Add(caller);
            }
        }

        // A module's forward and an optimizer's step are called through their base types: whoever makes such an object is unsafe.
        foreach (var type in torchSharp.GetTypes().Where(type => type.Methods.Any(method => method.Name is "forward" or "step" && _members.Contains(Key(method)))))
            _types.Add(type.FullName);

        // The closures of a member are compiled into types inside its own.
        foreach (var type in torchSharp.GetTypes().Where(type => type.IsNested && type.Methods.Any(method => method.Name.StartsWith("<step>", StringComparison.Ordinal) && _members.Contains(Key(method)))))
            _types.Add(type.DeclaringType.FullName);

        void Add(string member)
        {
            if (_members.Add(member))
                open.Enqueue(member);
        }
    }

    /// <summary>Whether a call makes a Scalar that a collection can free too early.</summary>
    public bool Contains(MethodReference called) => IsConversion(called) || _members.Contains(Key(called))
        || (called.ReturnType.FullName != Tensor && _types.Contains(called.ReturnType.FullName))
        || (called.Name == ".ctor" && _types.Contains(called.DeclaringType.FullName));

    private static bool IsConversion(MethodReference method) => (method.DeclaringType.FullName == Scalar && method.Name == "op_Implicit") || method.DeclaringType.FullName == Conversions;

    private static string Key(MethodReference method) => method.GetElementMethod().FullName;
}
