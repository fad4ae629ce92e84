using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Maha.WeightConverter;

/// <summary>Reads embedded resources of an assembly from its metadata. The assembly is not loaded, so its dependencies need not be there.</summary>
internal static class AssemblyResources
{
    /// <summary>Returns the bytes of a resource.</summary>
    /// <param name="assemblyPath">The path of the assembly.</param>
    /// <param name="name">The full name of the resource.</param>
    /// <exception cref="InvalidDataException">The assembly has no such resource.</exception>
    public static byte[] Read(string assemblyPath, string name)
    {
        using var file = File.OpenRead(assemblyPath);
        using var image = new PEReader(file);
        var metadata = image.GetMetadataReader();
        foreach (var handle in metadata.ManifestResources)
        {
            var resource = metadata.GetManifestResource(handle);
            if (!metadata.StringComparer.Equals(resource.Name, name) || !resource.Implementation.IsNil)
                continue;
            var section = image.GetSectionData(image.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress);
            var reader = section.GetReader((int)resource.Offset, section.Length - (int)resource.Offset);
            return reader.ReadBytes(reader.ReadInt32());
        }
        string names = string.Join(", ", metadata.ManifestResources.Select(handle => metadata.GetString(metadata.GetManifestResource(handle).Name)));
        throw new InvalidDataException($"The assembly must have the embedded resource '{name}', but '{assemblyPath}' has {(names.Length == 0 ? "none" : names)}.");
    }
}
