using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;
using Mono.Cecil;

namespace Maha.Publicizer;

/// <summary>
/// Writes copies of assemblies in which every type and member is public, to compile against. At run time the original assembly is loaded:
/// the compiled assembly declares <c>IgnoresAccessChecksTo</c> for it.
/// </summary>
public sealed class PublicizeAssemblies : Task
{
    /// <summary>All assemblies that the compiler would get.</summary>
    [Required]
    public ITaskItem[] References { get; set; } = [];

    /// <summary>The simple names of those to publicize.</summary>
    [Required]
    public string[] Names { get; set; } = [];

    /// <summary>The folder of the copies.</summary>
    [Required]
    public string Folder { get; set; } = "";

    /// <summary>The references that have a copy.</summary>
    [Output]
    public ITaskItem[] Replaced { get; set; } = [];

    /// <summary>Their copies, with the same metadata.</summary>
    [Output]
    public ITaskItem[] Publicized { get; set; } = [];

    /// <inheritdoc />
    public override bool Execute()
    {
        Directory.CreateDirectory(Folder);
        var replaced = new List<ITaskItem>();
        var publicized = new List<ITaskItem>();
        foreach (string name in Names)
        {
            var reference = References.FirstOrDefault(item => Path.GetFileNameWithoutExtension(item.ItemSpec) == name);
            if (reference is null)
            {
                Log.LogError($"The assembly '{name}' is to be publicized, so it must be referenced, but no reference has this name. Reference its package.");
                continue;
            }
            string copy = Path.Combine(Folder, name + ".dll");
            if (!File.Exists(copy) || File.GetLastWriteTimeUtc(copy) != File.GetLastWriteTimeUtc(reference.ItemSpec))
            {
                Write(reference.ItemSpec, copy);
                // The time of the original: another version of the package is another time, in both directions.
                File.SetLastWriteTimeUtc(copy, File.GetLastWriteTimeUtc(reference.ItemSpec));
            }
            replaced.Add(reference);
            publicized.Add(new TaskItem(reference) { ItemSpec = copy });
        }
        Replaced = [.. replaced];
        Publicized = [.. publicized];
        return !Log.HasLoggedErrors;
    }

    private void Write(string assembly, string copy)
    {
        // Constants of enumerations are written by the type behind them, which may lie in another assembly.
        using var resolver = new DefaultAssemblyResolver();
        foreach (string folder in References.Select(item => Path.GetDirectoryName(item.ItemSpec)!).Distinct())
            resolver.AddSearchDirectory(folder);
        using var definition = AssemblyDefinition.ReadAssembly(assembly, new ReaderParameters { InMemory = true, AssemblyResolver = resolver });
        foreach (var type in definition.MainModule.GetTypes())
            Open(type);
        definition.Write(copy);
    }

    private static void Open(TypeDefinition type)
    {
        if (type.IsNested)
            type.IsNestedPublic = true;
        else
            type.IsPublic = true;

        // An override must keep the access of what it overrides, which may lie in an assembly that stays as it is.
        foreach (var method in type.Methods.Where(method => !method.IsVirtual || method.IsNewSlot))
        {
            // An explicit implementation is called through its interface; made public, it would be a second member of that name.
            if (method.Overrides.Count == 0)
                method.IsPublic = true;
        }

        // The field behind an event has the event's name.
        var events = new HashSet<string>(type.Events.Select(item => item.Name));
        foreach (var field in type.Fields.Where(field => !events.Contains(field.Name)))
            field.IsPublic = true;
    }
}
