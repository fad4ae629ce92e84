using Maha.Layers.Core;

namespace Maha.Layers.Attention;

/// <summary>The options of sliding-window attention.</summary>
public sealed record WindowOptions : AttentionOptions
{
    // The window of multiscale attention is the same option.
    internal const int DefaultWindow = 128;
    internal const int MaxWindow = 1 << 20;
    internal const string WindowRemedy = "Use 128, which suits most processors.";

    /// <inheritdoc/>
    public override AttentionKind Kind => AttentionKind.Window;

    /// <summary>w, the number of tokens of a block; a token attends to its own block and to both neighboring blocks.</summary>
    /// <value>128. From 1 to 1,048,576.</value>
    [OptionRange(1, MaxWindow, WindowRemedy)]
    public int Window { get; init; } = DefaultWindow;

    /// <summary>The number of tokens at the start of a document that attend to all tokens, and that all tokens attend to.</summary>
    /// <value>1. From 0 to 1,024.</value>
    [OptionRange(0, 1024, "Global tokens attend to every other, so there should be few.")]
    public int GlobalTokens { get; init; } = 1;
}
