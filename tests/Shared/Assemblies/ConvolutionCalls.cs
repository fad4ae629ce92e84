using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Maha.TestData;

/// <summary>Finds libtorch's convolutions among what a compiled assembly calls.</summary>
internal static class ConvolutionCalls
{
    /// <summary>The convolutions of TorchSharp that an assembly names, as "type.member" or a type's name.</summary>
    /// <param name="file">The assembly's file name, beside the tests.</param>
    public static List<string> In(string file)
    {
        // Every member of another assembly that is called is in the table of member references, and every type in the table of type references.
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, file));
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var handle in metadata.TypeReferences)
        {
            var type = metadata.GetTypeReference(handle);
            if (metadata.GetString(type.Namespace).StartsWith("TorchSharp", StringComparison.Ordinal) && IsConvolution(metadata.GetString(type.Name)))
                names.Add(metadata.GetString(type.Name));
        }
        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference || !IsConvolution(metadata.GetString(member.Name)))
                continue;
            var type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
            names.Add($"{metadata.GetString(type.Name)}.{metadata.GetString(member.Name)}");
        }
        return [.. names];
    }

    // conv1d, Conv2d, conv_transpose3d, ConvTranspose1d, Convolution; not Convert.
    private static bool IsConvolution(string name) =>
        name.StartsWith("conv", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("convert", StringComparison.OrdinalIgnoreCase)
            && !name.StartsWith("convex", StringComparison.OrdinalIgnoreCase);
}
