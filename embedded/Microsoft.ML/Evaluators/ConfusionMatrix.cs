using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

public sealed class ConfusionMatrix
{
    private readonly string[] _classNames;
    private readonly bool _isBinary;
    private string _table;

    // counts[actual][predicted]
    internal ConfusionMatrix(double[][] counts, string[] classNames, bool isBinary)
    {
        _classNames = classNames;
        _isBinary = isBinary;
        NumberOfClasses = counts.Length;
        Counts = counts;
        PerClassRecall = counts.Select((row, c) => Share(row[c], row.Sum())).ToArray();
        PerClassPrecision = counts.Select((row, c) => Share(row[c], counts.Sum(r => r[c]))).ToArray();
    }

    public IReadOnlyList<double> PerClassPrecision { get; }

    public IReadOnlyList<double> PerClassRecall { get; }

    public IReadOnlyList<IReadOnlyList<double>> Counts { get; }

    public int NumberOfClasses { get; }

    public string GetFormattedConfusionTable() => _table ??= ConfusionTable.Format(this, _classNames, _isBinary);

    public double GetCountForClassPair(int predictedClassIndicatorIndex, int actualClassIndicatorIndex)
    {
        const string Message = "Invalid index. Should be non-negative, less than the number of classes.";
        Contracts.CheckParam(predictedClassIndicatorIndex >= 0 && predictedClassIndicatorIndex < NumberOfClasses, nameof(predictedClassIndicatorIndex), Message);
        Contracts.CheckParam(actualClassIndicatorIndex >= 0 && actualClassIndicatorIndex < NumberOfClasses, nameof(actualClassIndicatorIndex), Message);
        return Counts[actualClassIndicatorIndex][predictedClassIndicatorIndex];
    }

    private static double Share(double part, double whole) => whole > 0 ? part / whole : 0;
}
