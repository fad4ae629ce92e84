using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Maha.Layers.Tests;

/// <summary>Operators of libtorch that must not be called, whatever calls them.</summary>
public sealed class UsedOperatorsTests
{
    // Libtorch 2.10's float32 convolutions are wrong on some processors (see DenseConvolution); on others they print warnings of NNPACK.
    [Theory]
    [InlineData("Maha.Layers.dll")]
    [InlineData("Maha.MLNet.dll")]
    public void NoPackage_CallsLibtorchsConvolutions(string file)
    {
        Assert.Equal([], Convolutions(file));
    }

    [Fact]
    public void TheScan_FindsConvolutions()
    {
        Assert.Contains("functional.conv1d", Convolutions("Maha.Layers.Tests.dll")); // DenseConvolutionTests
        Assert.Contains("nn.Conv1d", Convolutions("Maha.Layers.Tests.dll")); // ConvolutionWeightsTests
    }

    private static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory, file);

    // Whatever an assembly calls of another stands in its table of member references, and every type that it names in that of type references.
    private static List<string> Convolutions(string file)
    {
        using var stream = File.OpenRead(PathOf(file));
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
        name.StartsWith("conv", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("convert", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("convex", StringComparison.OrdinalIgnoreCase);
}
