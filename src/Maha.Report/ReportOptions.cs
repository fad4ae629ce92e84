using Maha.MLNet.Classification;
using Maha.MLNet.Explanation;
using Microsoft.ML;

namespace Maha.Report;

/// <summary>The options of a report. All are optional: a report has what it is given.</summary>
public sealed class ReportOptions
{
    /// <summary>The title of the report.</summary>
    /// <value>"Text classifier".</value>
    public string Title { get; set; } = "Text classifier";

    /// <summary>What the model is for, who made it, what it must not be used for: the text of a model card. Line breaks are kept.</summary>
    /// <value>Null: no text.</value>
    public string? Description { get; set; }

    /// <summary>The history of the training, which draws the learning curves. Pass it to the trainer as its progress.</summary>
    /// <value>Null: no learning curves.</value>
    public TrainingHistory? History { get; set; }

    /// <summary>The options of the trainer, which become a table.</summary>
    /// <value>Null: no table.</value>
    public MahaClassifierOptions? TrainerOptions { get; set; }

    /// <summary>The training data, of which the report has the size and a hash. They must have the columns of the label and of the text.</summary>
    /// <value>Null: nothing is said about the training data.</value>
    public IDataView? TrainingData { get; set; }

    /// <summary>Lines to add at the end, for instance the log of the training.</summary>
    /// <value>None.</value>
    public IReadOnlyList<string> Log { get; set; } = [];

    /// <summary>The number of right predictions, and of wrong ones, whose telling words are highlighted.</summary>
    /// <value>3. From 0 to 100.</value>
    public int NumberOfHighlights { get; set; } = 3;

    /// <summary>The most characters of a highlighted text that are shown. Of a longer text, the part with the most telling words is shown.</summary>
    /// <value>1,200. From 100 to 100,000.</value>
    public int MaxHighlightCharacters { get; set; } = 1200;

    /// <summary>The options of the explanations from which highlights are made.</summary>
    /// <value>Those with default values.</value>
    public ExplanationOptions Explanation { get; set; } = new();

    /// <summary>Ends the making of the report. It is checked between rows and between predictions.</summary>
    /// <value>A token that is never canceled.</value>
    public CancellationToken CancellationToken { get; set; }

    /// <summary>Checks the options.</summary>
    /// <exception cref="ArgumentException">An option is null or out of its range.</exception>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Title);
        ArgumentNullException.ThrowIfNull(Log);
        ArgumentNullException.ThrowIfNull(Explanation);
        Range(NumberOfHighlights, 0, 100, nameof(NumberOfHighlights));
        Range(MaxHighlightCharacters, 100, 100_000, nameof(MaxHighlightCharacters));

        static void Range(int value, int min, int max, string name)
        {
            if (value < min || value > max)
                throw new ArgumentOutOfRangeException(name, $"{name} must be from {min} to {max}, but is {value}. Leave it out for the default.");
        }
    }
}
