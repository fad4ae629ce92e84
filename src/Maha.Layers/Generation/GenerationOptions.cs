using Maha.Layers.Core;
using Maha.Layers.Text;

namespace Maha.Layers.Generation;

/// <summary>Options of text generation. The defaults draw from the probabilities of the model as they are.</summary>
public sealed record GenerationOptions
{
    /// <summary>The maximum number of generated tokens.</summary>
    /// <value>Default: 256. From 1 to 16,777,216. Generation ends earlier where the model ends the text or a stop sequence appears.</value>
    public int MaxTokens { get; init; } = 256;

    /// <summary>The temperature, which divides the logits. Below 1, likely tokens become likelier; above 1, the probabilities become more equal.</summary>
    /// <value>Default: 1. From 0 to 100; 0 always takes the likeliest token.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>The number of likeliest tokens to draw from.</summary>
    /// <value>Default: null, all tokens. At least 1.</value>
    public int? TopK { get; init; }

    /// <summary>
    /// The probability mass to draw from: the smallest set of the likeliest tokens whose probabilities, after <see cref="Temperature"/>
    /// and <see cref="TopK"/>, have at least this sum (nucleus sampling).
    /// </summary>
    /// <value>Default: 1, all tokens. In (0, 1].</value>
    public double TopP { get; init; } = 1;

    /// <summary>
    /// The penalty for tokens that occur in the prompt or in the generated text. Positive logits of such tokens are divided by it,
    /// negative ones are multiplied (Keskar et al. 2019).
    /// </summary>
    /// <value>Default: 1, no penalty. From 0.01 to 100; below 1, repetition becomes likelier.</value>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>The seed of the random draws. The same model, prompt, options and number of threads give the same text.</summary>
    /// <value>Default: 0. Any number.</value>
    public int Seed { get; init; }

    /// <summary>
    /// Texts that end the generation where they appear in the generated text. They need not begin or end with a token. The stop
    /// sequence itself is not returned.
    /// </summary>
    /// <value>Default: none. Each has from 1 to 1,024 characters of valid Unicode.</value>
    public IReadOnlyList<string> StopSequences { get; init; } = [];

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of range. The message states the rule, the value and the remedy.</exception>
    public void Validate()
    {
        TensorChecks.InRange(MaxTokens, 1, 1 << 24, nameof(MaxTokens), "Use 256 for about 200 words of English.");
        TensorChecks.Require(
            Temperature >= 0 && Temperature <= 100, Temperature, nameof(Temperature), "lie in [0, 100]",
            "Use 0 for the likeliest token, 1 for the model's own probabilities.");
        if (TopK is int most)
            TensorChecks.InRange(most, 1, int.MaxValue, nameof(TopK), "Use null for all tokens.");
        TensorChecks.Require(TopP > 0 && TopP <= 1, TopP, nameof(TopP), "lie in (0, 1]", "Use 1 for all tokens.");
        TensorChecks.Require(
            RepetitionPenalty >= 0.01 && RepetitionPenalty <= 100, RepetitionPenalty, nameof(RepetitionPenalty), "lie in [0.01, 100]",
            "Use 1 for no penalty, about 1.2 against loops.");
        if (StopSequences is null)
            throw new ArgumentException("StopSequences must not be null, but is. Use an empty list for none.", nameof(StopSequences));
        foreach (string stop in StopSequences)
        {
            if (string.IsNullOrEmpty(stop))
                throw new ArgumentException("A stop sequence must have at least one character, but one is null or empty. Remove it.", nameof(StopSequences));
            if (stop.Length > 1024)
            {
                throw new ArgumentException(
                    $"A stop sequence must have at most 1,024 characters, but one has {stop.Length}. Use its first characters.", nameof(StopSequences));
            }
            if (Wtf8.HasLoneSurrogate(stop))
            {
                throw new ArgumentException(
                    "A stop sequence must be valid Unicode, but one holds a lone surrogate, which is never generated. Remove it.", nameof(StopSequences));
            }
        }
    }
}
