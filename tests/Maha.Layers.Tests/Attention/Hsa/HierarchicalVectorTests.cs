using System.Text.Json.Nodes;
using Maha.TestData.Parity;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Attention;

/// <summary>Hierarchical attention against the reference vectors, by the code of ./bench.sh parity.</summary>
public class HierarchicalVectorTests
{
    private static readonly string s_folder = Path.Combine(AppContext.BaseDirectory, "Vectors", "hsa");

    public static TheoryData<string> Names => [.. Directory.GetFiles(s_folder, "*.json").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Fact]
    public void AllTenFiles_AreThere() => Assert.Equal(10, Names.Count);

    [Theory]
    [MemberData(nameof(Names))]
    public void OutputsAndWeights_Agree_InFloat64(string name)
    {
        var comparison = ReferenceVectors.Compare(Path.Combine(s_folder, name));
        Assert.True(comparison.Values > 80);
        Assert.Equal(1e-12, comparison.Tolerance);
        Assert.True(comparison.MaxRelativeError <= comparison.Tolerance, $"{comparison.Worst}: {comparison.MaxRelativeError:g3}");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void OutputsAndWeights_Agree_InFloat32(string name)
    {
        var comparison = ReferenceVectors.Compare(Path.Combine(s_folder, name), ScalarType.Float32);

        // Logits of 1e4 carry an absolute error of 1e-3 in float32, in any attention.
        double allowed = name.Contains("extreme", StringComparison.Ordinal) ? 1e-2 : 1e-5;
        Assert.True(comparison.MaxRelativeError <= allowed, $"{comparison.Worst}: {comparison.MaxRelativeError:g3}");
    }

    [Theory]
    [InlineData("regular_binary_8.json", "out")]
    [InlineData("regular_binary_8.json", "theta")]
    [InlineData("mask_8.json", "out")]
    [InlineData("extreme_8.json", "log_theta_null_means_minus_inf")]
    [InlineData("causal_K_extreme_10.json", "log_theta_null_means_minus_inf")]
    [InlineData("causal_K_log_mask_10.json", "log_theta_null_means_minus_inf")]
    [InlineData("causal_K_8.json", "theta")]
    [InlineData("causal_T_8.json", "theta")]
    [InlineData("causal_tied_8_LEAKS.json", "out")]
    public void ChangedNumber_IsDetected(string name, string field)
        => Assert.True(CompareChanged(name, file => file[field]![5]![0] = file[field]![5]![0]!.GetValue<double>() + 1e-3).MaxRelativeError > 1e-7);

    [Fact]
    public void NonZeroWeightThatMustBeZero_IsDetected()
        => Assert.True(CompareChanged("causal_K_extreme_10.json", file => file["log_theta_null_means_minus_inf"]![0]![5] = -3.0).MaxRelativeError > 0.1);

    [Theory]
    [InlineData("noself_8.json", "phi_root")]
    [InlineData("noself_8.json", "sum_row_kl_to_softmax")]
    [InlineData("causal_K_8.json", "sum_row_kl_to_softmax")]
    [InlineData("causal_tied_8_LEAKS.json", "phi_root")]
    public void ChangedFigure_IsDetected(string name, string field)
        => Assert.True(CompareChanged(name, file => file[field] = file[field]!.GetValue<double>() + 1e-3).MaxRelativeError > 1e-7);

    [Fact]
    public void UnknownField_IsRefused()
        => Assert.Contains("known fields only",
            Assert.Throws<FormatException>(() => CompareChanged("mask_8.json", file => file["more"] = 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void OtherTree_IsRefused()
        => Assert.Contains("tree_nested_leaf_indices", Assert.Throws<FormatException>(() => CompareChanged("mask_8.json",
            file => file["tree_nested_leaf_indices"]![0] = 0)).Message, StringComparison.Ordinal);

    private static Comparison CompareChanged(string name, Action<JsonObject> change)
    {
        var file = JsonNode.Parse(File.ReadAllText(Path.Combine(s_folder, name)))!.AsObject();
        change(file);
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, file.ToJsonString());
            return ReferenceVectors.Compare(path);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
