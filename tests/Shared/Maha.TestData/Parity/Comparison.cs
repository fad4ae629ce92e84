using static TorchSharp.torch;

namespace Maha.TestData.Parity;

/// <summary>The differences between what a file holds and what the layers compute.</summary>
public sealed class Comparison
{
    /// <summary>The largest relative error in float64 that counts as equal.</summary>
    public double Tolerance { get; set; } = ReferenceVectors.Tolerance;

    /// <summary>How many numbers of the file were compared.</summary>
    public long Values { get; private set; }

    /// <summary>The largest difference; NaN where a value is not a number.</summary>
    public double MaxAbsoluteError { get; private set; }

    /// <summary>The largest difference relative to max(1, largest magnitude of the tensor): some gradients are zero but for rounding.</summary>
    public double MaxRelativeError { get; private set; }

    /// <summary>The field with the largest relative error.</summary>
    public string Worst { get; private set; } = "";

    /// <summary>Compares a tensor with what the file holds.</summary>
    public void Add(string field, Tensor actual, Tensor expected)
    {
        if (!actual.shape.AsSpan().SequenceEqual(expected.shape))
        {
            throw new FormatException(
                $"'{field}' must have the shape [{string.Join(", ", actual.shape)}] that the layers compute, but has [{string.Join(", ", expected.shape)}].");
        }
        Add(field, ToArray(actual), ToArray(expected));
    }

    /// <summary>Compares a number with what the file holds.</summary>
    public void Add(string field, double actual, double expected) => Add(field, [actual], [expected]);

    /// <summary>Compares a list of tensors with what the file holds.</summary>
    public void Add(string field, IReadOnlyList<Tensor> actual, IReadOnlyList<Tensor> expected)
    {
        if (actual.Count != expected.Count)
            throw new FormatException($"'{field}' must have {actual.Count} tensors, but has {expected.Count}.");
        for (int i = 0; i < actual.Count; i++)
            Add($"{field}[{i}]", actual[i], expected[i]);
    }

    /// <summary>Checks that something the file does not hold is 0. Its numbers are not counted.</summary>
    public void AddZero(string field, Tensor actual)
    {
        long values = Values;
        double[] numbers = ToArray(actual);
        Add(field, numbers, new double[numbers.Length]);
        Values = values;
    }

    private void Add(string field, double[] actual, double[] expected)
    {
        double magnitude = 1, worst = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            magnitude = Math.Max(magnitude, Math.Abs(expected[i]));
            worst = Math.Max(worst, Math.Abs(actual[i] - expected[i])); // Max hands NaN on
        }
        Values += expected.Length;
        MaxAbsoluteError = Math.Max(MaxAbsoluteError, worst);
        if (!(worst / magnitude <= MaxRelativeError))
            (MaxRelativeError, Worst) = (Math.Max(MaxRelativeError, worst / magnitude), field);
    }

    private static double[] ToArray(Tensor numbers)
    {
        using var scope = NewDisposeScope();
        return numbers.detach().cpu().to(ScalarType.Float64).contiguous().data<double>().ToArray();
    }
}
