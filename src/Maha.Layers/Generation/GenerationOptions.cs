using Maha.Layers.Core;
using Maha.Layers.Text;


namespace Maha.Layers.Generation;

/// <summary>How a language model continues a text. The defaults draw from the model's own probabilities.</summary>
public sealed record GenerationOptions
{
    /// <summary>The most tokens that are generated.</summary>
    /// <value>256. From 1 to 16,777,216. Generation ends before where the model ends the text or a stop sequence appears.</value>
    public int MaxTokens { get; init; } = 256;

    /// <summary>What the logits are divided by: below 1 the likely tokens get likelier, above 1 all get more alike.</summary>
    /// <value>1. From 0 to 100; 0 always takes the likeliest token.</value>
    public double Temperature { get; init; } = 1;

    /// <summary>Draws among this many likeliest tokens only.</summary>
    /// <value>Null: among all. At least 1.</value>
    public int? TopK { get; init; }

    /// <summary>Draws among the fewest likeliest tokens whose probabilities (after <see cref="Temperature"/> and <see cref="TopK"/>) reach this sum.</summary>
    /// <value>1: among all. In (0, 1].</value>
    public double TopP { get; init; } = 1;

    /// <summary>How much less likely tokens become that are in the prompt or were generated: their logits are divided by it where positive, multiplied where negative (Keskar et al. 2019).</summary>
    /// <value>1: no less likely. From 0.01 to 100; below 1 repetition is favored.</value>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>The seed of the draws: the same model, prompt, options and number of threads give the same text.</summary>
    /// <value>0. Any number.</value>
    public int Seed { get; init; }

    /// <summary>Generation ends where one of these texts appears, wherever tokens begin and end; the text itself is not given out. The prompt doesn't count.</summary>
    /// <value>None. Not empty, at most 1,024 characters, valid Unicode.</value>
    public IReadOnlyList<string> StopSequences { get; init; } = [];

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option is out of its range; the message says the rule, the value and the remedy.</exception>
    public void Validate()
    {
        TensorChecks.InRange(MaxTokens, 1, 1 << 24, nameof(MaxTokens), "256 tokens are about 200 words of English.");
        Require(Temperature >= 0 && Temperature <= 100, Temperature, nameof(Temperature), "lie in [0, 100]", "Use 0 for the likeliest token, 1 for the model's own probabilities.");
        if (TopK is int most)
            TensorChecks.InRange(most, 1, int.MaxValue, nameof(TopK), "Use null for all tokens.");
        Require(TopP > 0 && TopP <= 1, TopP, nameof(TopP), "lie in (0, 1]", "Use 1 for all tokens.");
        Require(RepetitionPenalty >= 0.01 && RepetitionPenalty <= 100, RepetitionPenalty, nameof(RepetitionPenalty), "lie in [0.01, 100]", "Use 1 for no penalty, about 1.2 against loops.");
        if (StopSequences is null)
            throw new ArgumentException("StopSequences must not be null. Leave it out for none.", nameof(StopSequences));
        foreach (string stop in StopSequences)
        {
            if (string.IsNullOrEmpty(stop))
                throw new ArgumentException("A stop sequence must not be null or empty: it would end every text at its start. Remove it.", nameof(StopSequences));
            if (stop.Length > 1024)
                throw new ArgumentException($"A stop sequence must have at most 1,024 characters, but one has {stop.Length}. Use its beginning.", nameof(StopSequences));
            if (Wtf8.HasLoneSurrogate(stop))
                throw new ArgumentException("A stop sequence must be valid Unicode, but one holds a lone surrogate, which is never generated. Remove it.", nameof(StopSequences));
        }
    }

    // The rules are written so that NaN breaks them.
    private static void Require(bool holds, double value, string name, string rule, string remedy)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must {rule}, but is {value}. {remedy}");
    }
}
