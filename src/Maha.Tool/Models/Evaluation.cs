using System.Text.Json;
using Maha.Documents.Readers;
using Maha.Report.Content;

namespace Maha.Tool.Models;

/// <summary>Counts predictions against labels.</summary>
internal sealed class Evaluation
{
    // Below it a logarithm is not finite; ML.NET's evaluator uses the same.
    private const double MinProbability = 1e-15;

    private readonly SortedDictionary<string, Counts> _classes = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _unknown = new(StringComparer.Ordinal);
    private IReadOnlyList<string> _known = [];
    private long _unknownDocuments;
    private long _documents;
    private long _correct;
    private long _unlabeled;
    private double _logLoss;
    private bool _hasScores = true;

    /// <summary>The documents that can't be read.</summary>
    public long Errors { get; set; }

    /// <summary>The documents with a label and a prediction.</summary>
    public long Documents => _documents;

    /// <summary>The documents without a label.</summary>
    public long Unlabeled => _unlabeled;

    /// <summary>What is said of labels that the model does not have; null if it has all.</summary>
    public string? Warning => _unknown.Count == 0 ? null : FormattableString.Invariant(
        $"warning: labels should be those of the model, but {_unknown.Count} of the data are not (of {_unknownDocuments} documents, which count as wrong): ")
        + $"{DocumentReaders.List(_unknown)}. The labels of the model are: {DocumentReaders.List(_known)}. Look at the labels, or set --label-field.";

    /// <summary>Counts a document. One without label is counted apart.</summary>
    public void Add(string label, ClassPrediction prediction)
    {
        if (label.Length == 0)
        {
            _unlabeled++;
            return;
        }
        string predicted = prediction.Predicted < 0 ? "" : prediction.Classes[prediction.Predicted];
        int index = TextLabels.IndexOf(prediction.Classes, label, prediction.IsBinary);
        string actual = index < 0 ? label : prediction.Classes[index];
        if (index < 0)
        {
            _unknown.Add(label);
            _unknownDocuments++;
            _known = prediction.Classes;
        }
        _documents++;
        Class(actual).Labeled++;
        Class(predicted).Predicted++;
        if (actual == predicted)
        {
            _correct++;
            Class(actual).Correct++;
        }
        // A label that the model does not know has the probability 0.
        if (prediction.Scores.IsEmpty)
            _hasScores = false;
        else
            _logLoss -= Math.Log(Math.Max(MinProbability, index < 0 ? 0 : prediction.Scores[index]));
    }

    /// <summary>Adds the counts of other documents.</summary>
    public void Add(Evaluation other)
    {
        _documents += other._documents;
        _correct += other._correct;
        _unlabeled += other._unlabeled;
        _logLoss += other._logLoss;
        _hasScores &= other._hasScores;
        _unknown.UnionWith(other._unknown);
        _unknownDocuments += other._unknownDocuments;
        _known = other._unknownDocuments > 0 ? other._known : _known;
        foreach (var (label, counts) in other._classes)
        {
            var sum = Class(label);
            sum.Labeled += counts.Labeled;
            sum.Predicted += counts.Predicted;
            sum.Correct += counts.Correct;
        }
        Errors += other.Errors;
    }

    /// <summary>Writes the metrics.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteNumber("documents", _documents);
        json.WriteNumber("unlabeled", _unlabeled);
        json.WriteNumber("errors", Errors);
        if (_documents == 0)
            return;
        Counts[] labeled = [.. _classes.Values.Where(counts => counts.Labeled > 0)];
        ClassPrediction.WriteNumber(json, "accuracy", (double)_correct / _documents);
        ClassPrediction.WriteNumber(json, "macroAccuracy", labeled.Average(counts => counts.Recall));
        ClassPrediction.WriteNumber(json, "macroF1", labeled.Average(counts => counts.F1));
        if (_hasScores)
            ClassPrediction.WriteNumber(json, "logLoss", _logLoss / _documents);
        json.WriteStartArray("classes");
        foreach (var (label, counts) in _classes.Where(pair => pair.Key.Length > 0))
        {
            json.WriteStartObject();
            json.WriteString("label", label);
            json.WriteNumber("documents", counts.Labeled);
            ClassPrediction.WriteNumber(json, "precision", counts.Precision);
            ClassPrediction.WriteNumber(json, "recall", counts.Recall);
            ClassPrediction.WriteNumber(json, "f1", counts.F1);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private Counts Class(string label)
    {
        if (!_classes.TryGetValue(label, out var counts))
            _classes[label] = counts = new Counts();
        return counts;
    }

    private sealed class Counts
    {
        public long Labeled { get; set; }

        public long Predicted { get; set; }

        public long Correct { get; set; }

        public double Precision => Predicted == 0 ? 0 : (double)Correct / Predicted;

        public double Recall => Labeled == 0 ? 0 : (double)Correct / Labeled;

        public double F1 => Labeled + Predicted == 0 ? 0 : 2.0 * Correct / (Labeled + Predicted);
    }
}
