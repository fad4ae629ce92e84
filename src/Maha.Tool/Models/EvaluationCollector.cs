using Maha.Tool.Input;
using Microsoft.ML;

namespace Maha.Tool.Models;

/// <summary>Counts the predictions of a classifier against the labels of the documents.</summary>
internal sealed class EvaluationCollector(SavedModel model) : IRowCollector<Evaluation>
{
    private readonly ClassPrediction _prediction = new(model);
    private Evaluation _evaluation = new();

    public IEnumerable<string> Columns => _prediction.Columns;

    public void Bind(DataViewRow row) => _prediction.Bind(row);

    public void Add(InputDocument document)
    {
        _prediction.Read();
        _evaluation.Add(document.Label, _prediction);
    }

    public Evaluation Complete()
    {
        var evaluation = _evaluation;
        _evaluation = new Evaluation();
        return evaluation;
    }
}
