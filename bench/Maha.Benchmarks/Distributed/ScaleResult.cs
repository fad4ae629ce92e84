namespace Maha.Benchmarks.Distributed;

/// <summary>The measured speed of a training.</summary>
/// <param name="TokensPerSecond">Tokens of all processes together.</param>
/// <param name="StepMilliseconds">The mean time of a step.</param>
/// <param name="MegabytesPerStep">The megabytes that a process adds to those of the others in a step.</param>
/// <param name="Loss">The loss of the last step.</param>
internal sealed record ScaleResult(double TokensPerSecond, double StepMilliseconds, double MegabytesPerStep, double Loss);
