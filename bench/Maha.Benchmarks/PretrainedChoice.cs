using System.Runtime.CompilerServices;
using Maha.MLNet;

namespace Maha.Benchmarks;

/// <summary>The value of <c>--pretrained</c>: <c>none</c>, <c>minilm</c>, or the path of pretrained weights.</summary>
internal static class PretrainedChoice
{
    public const string Arguments = "[--pretrained minilm|none|PATH]";

    /// <summary>Reads the option.</summary>
    /// <exception cref="UsageException">There is no such file or folder.</exception>
    public static PretrainedSource? Parse(string? value) => value switch
    {
        null or "none" => null,
        "minilm" => MiniLM(),
        _ when File.Exists(value) || Directory.Exists(value) => PretrainedSource.FromPath(value),
        _ => throw new UsageException($"--pretrained takes minilm, none or the path of weights, but there is nothing at '{value}'."),
    };

    // In a method of its own, so that other choices do not need the assembly of the weights.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static PretrainedSource MiniLM() => MahaPretrained.MiniLM;
}
