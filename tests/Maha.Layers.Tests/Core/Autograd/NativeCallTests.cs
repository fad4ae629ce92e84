using System.Text.RegularExpressions;
using Maha.Layers.Core;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Core;

/// <summary>The calls of TorchSharp 0.107 that end the process when they fail, since its native part does not catch their exceptions.</summary>
public partial class NativeCallTests
{
    [Fact]
    public void CallsThatEndTheProcess_AreMadeOnlyWhereTheirArgumentsAreKnown()
    {
        var allowed = new Dictionary<string, string[]>
        {
            ["matmul"] = ["MatrixProduct.cs"],
            ["set_num_threads"] = ["CommonOptions.cs", "BatchRun.cs"], // from 1 to 1,024, and a part of them that is at least 1
            ["set_rng_state"] = ["RandomStateScope.cs", "RecomputedBlockFunction.cs"], // states that get_rng_state gave
        };
        string source = Path.Combine(Repository.Root, "src");
        var files = Directory.GetFiles(source, "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)).ToList();
        Assert.Contains(files, file => Path.GetFileName(file) == "MatrixProduct.cs");
        foreach (string file in files)
        {
            foreach (Match call in UnguardedCall()
                .Matches(string.Join('\n', File.ReadLines(file).Where(line => !line.TrimStart().StartsWith("//", StringComparison.Ordinal)))))
            {
                Assert.True(allowed.TryGetValue(call.Groups[1].Value, out string[]? places) && places.Contains(Path.GetFileName(file)),
                    $"{file} calls {call.Value}), which ends the process where it fails. Check its arguments where {call.Groups[1].Value} is called already.");
            }
        }
    }

    [Theory]
    [InlineData(new long[] { 2, 3 }, new long[] { 4, 5 })]
    [InlineData(new long[] { 2, 3 }, new long[] { 2 })]
    [InlineData(new long[] { }, new long[] { 2, 2 })]
    [InlineData(new long[] { 2, 2 }, new long[] { })]
    [InlineData(new long[] { 2, 3, 4 }, new long[] { 3, 4, 5 })]
    [InlineData(new long[] { 7, 1, 3, 4 }, new long[] { 6, 2, 4, 5 })]
    public void ProductOfOperandsThatDoNotFit_IsRefused(long[] left, long[] right)
    {
        using var first = zeros(left);
        using var second = zeros(right);
        Assert.Throws<ArgumentException>(() => first.CheckedMatmul(second));
    }

    [Theory]
    [InlineData(new long[] { 3 }, new long[] { 3 })]
    [InlineData(new long[] { 3 }, new long[] { 2, 3, 4 })]
    [InlineData(new long[] { 2, 3 }, new long[] { 3 })]
    [InlineData(new long[] { 5, 1, 2, 3 }, new long[] { 4, 3, 6 })]
    public void ProductOfOperandsThatFit_IsMatmul(long[] left, long[] right)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (TestTensors.Random(1, left), TestTensors.Random(2, right));
        TestTensors.AssertClose(first.matmul(second), first.CheckedMatmul(second), 0);
    }

    [Fact]
    public void ProductOfOtherElementTypes_IsRefused()
    {
        using var first = zeros(2, 2);
        using var second = zeros([2, 2], ScalarType.Float64);
        Assert.Throws<ArgumentException>(() => first.CheckedMatmul(second));
    }

    [GeneratedRegex(@"\b(matmul|set_rng_state|set_num_threads|set_num_interop_threads|autograd\.grad|cummax|cummin)\(")]
    private static partial Regex UnguardedCall();
}
