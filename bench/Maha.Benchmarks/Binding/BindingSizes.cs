namespace Maha.Benchmarks.Binding;

/// <summary>What both sides are told: threads and the sizes of the training step.</summary>
internal sealed record BindingSizes(int Threads, int BatchSize = 4, int SequenceLength = 32, int DModel = 64, int NumHeads = 4);
