using Maha.Tool.Output;

namespace Maha.Tool;

/// <summary>What every command uses of its process.</summary>
/// <param name="Output">Standard output, as bytes.</param>
/// <param name="Messages">Standard error.</param>
/// <param name="Cancellation">Canceled by Ctrl+C.</param>
internal sealed record ToolContext(Stream Output, Messages Messages, CancellationToken Cancellation);
