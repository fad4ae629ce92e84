using Maha.Benchmarks.Core;
using static TorchSharp.torch;

namespace Maha.Benchmarks.Tests.Core;

public sealed class SelfCheckTests
{
    [Fact]
    public void UsedOperators_GiveCorrectResultsInThisLibtorch()
    {
        using var output = new StringWriter();
        Assert.True(SelfCheckCommand.Report([.. SelfCheckCommand.Operators.Where(check => check.IsUsed)], seed: 2, output) == ExitCode.Success,
            output.ToString());
    }

    [Theory]
    [InlineData(true, ExitCode.Failure)]
    [InlineData(false, ExitCode.Success)]
    public void AWrongOperator_IsNamed_AndFailsWhereItIsUsed(bool isUsed, int code)
    {
        var wrongOutput = Squares("square", isUsed, x => x.square() + (IsSingle(x) && x.shape[^1] == 24 ? 0.01 : 0));
        var wrongGradient = Squares("detached", isUsed, x => x.shape[^1] == 40 && IsSingle(x) ? x * x.detach() : x.square());
        var notANumber = Squares("nan", isUsed, x => IsSingle(x) ? x.square() * double.NaN : x.square());
        var right = Squares("right", isUsed, x => x.square());
        using var output = new StringWriter();

        Assert.Equal(code, SelfCheckCommand.Report([wrongOutput, wrongGradient, notANumber, right], seed: 2, output));

        string[] lines = output.ToString().Split('\n');
        Assert.Contains(lines, line => line.StartsWith("square ", StringComparison.Ordinal) && line.Contains("WRONG at width 24", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("detached ", StringComparison.Ordinal) && line.Contains("WRONG at width 40", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("nan ", StringComparison.Ordinal) && line.Contains("WRONG", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("right ", StringComparison.Ordinal) && line.TrimEnd().EndsWith("right", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("Libtorch computes square, detached, nan wrongly", StringComparison.Ordinal));
    }

    private static bool IsSingle(Tensor x) => x.dtype == ScalarType.Float32;

    private static OperatorCheck Squares(string name, bool isUsed, Func<Tensor, Tensor> apply) => new(name, isUsed, width => [[4, width]], x => apply(x[0]));
}
