namespace Maha.Benchmarks;

/// <summary>A measurement, which the command line names.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Arguments">Its arguments, for the help.</param>
/// <param name="Summary">What it does, for the help.</param>
/// <param name="Run">Runs it with the arguments after the name; returns the exit code.</param>
internal sealed record Command(string Name, string Arguments, string Summary, Func<string[], int> Run);
