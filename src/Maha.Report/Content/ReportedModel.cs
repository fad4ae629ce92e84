using Maha.MLNet.Classification;
using Maha.MLNet.Explanation;
using Microsoft.ML;

namespace Maha.Report.Content;

/// <summary>The Maha text classifier of a model.</summary>
/// <param name="Classifier">The classifier.</param>
/// <param name="Explain">Explains the predicted label of a text.</param>
internal sealed record ReportedModel(TextClassifier Classifier, Func<string, ExplanationOptions, CancellationToken, TextExplanation> Explain)
{
    /// <summary>The name of the trainer.</summary>
    public string Trainer => IsBinary ? "MahaTextClassification, binary" : "MahaTextClassification, multiclass";

    /// <summary>Whether the classifier has two classes, true and false.</summary>
    public bool IsBinary => Classifier.Manifest.Columns.Probability is not null;

    /// <summary>Finds the classifier.</summary>
    /// <exception cref="ArgumentException">The model has no Maha text classifier, or several.</exception>
    public static ReportedModel Find(ITransformer model)
    {
        ReportedModel[] found = [.. Parts(model).Select(Open).OfType<ReportedModel>()];
        if (found is [var one])
            return one;
        throw new ArgumentException(
            $"The model must have one transformer of MahaTextClassification, but has {found.Length}. Pass a chain with one text classifier.", nameof(model));
    }

    private static IEnumerable<ITransformer> Parts(ITransformer model) =>
        model is IEnumerable<ITransformer> chain ? chain.SelectMany(Parts) : [model];

    private static ReportedModel? Open(ITransformer transformer) => transformer switch
    {
        MahaTextClassificationTransformer many => new(many.Classifier, (text, options, token) => many.Explain(text, null, options, token)),
        MahaBinaryTextClassificationTransformer two => new(two.Classifier, (text, options, token) => two.Explain(text, null, options, token)),
        _ => null,
    };
}
