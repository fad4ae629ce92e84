namespace Maha.Tool.Output;

/// <summary>The process that reads the output has closed it.</summary>
internal sealed class ClosedPipeException() : IOException("Standard output was closed by its reader.");
