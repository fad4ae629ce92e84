using static TorchSharp.torch;

namespace Maha.Layers.Attention;

/// <summary>The outcome of the solver of the scale weights: its iterations and residuals, and whether it converged.</summary>
internal sealed record SolverDiagnostics : IDisposable
{
    /// <summary>The diagnostics of weights in closed form, which need no iteration and have no residual.</summary>
    public static SolverDiagnostics ClosedForm { get; } = new();

    /// <summary>The number of iterations of the slowest problem of the batch, where it is known on the processor.</summary>
    public int Iterations { get; init; }

    /// <summary>
    /// The residual of every problem of the batch, without gradient, on the device of the data (reading it waits for the device);
    /// null where the weights have a closed form.
    /// </summary>
    public Tensor? Residuals { get; init; }

    /// <summary>The number of iterations of every document, Int32 on the device of the data, where the solver runs there; null otherwise.</summary>
    public Tensor? Steps { get; init; }

    /// <summary>The residual at which a problem counts as solved.</summary>
    public double Tolerance { get; init; }

    /// <summary>Returns the largest residual of the batch; 0 for a closed form, NaN where one is not a number.</summary>
    /// <returns>The residual in the solver's own measure.</returns>
    public double MaxResidual()
    {
        if (Residuals is null)
            return 0;
        using var scope = NewDisposeScope();
        return Residuals.max().to(ScalarType.Float64).item<double>();
    }

    /// <summary>Returns the number of iterations of the slowest problem of the batch; 0 for a closed form.</summary>
    public int MaxIterations()
    {
        if (Steps is null)
            return Iterations;
        using var scope = NewDisposeScope();
        return Math.Max(Iterations, Steps.max().item<int>());
    }

    /// <summary>Whether every problem of the batch was solved to the tolerance.</summary>
    /// <returns>True for a closed form; false where a residual is not a number.</returns>
    public bool Converged() => MaxResidual() <= Tolerance;

    /// <summary>Moves the tensors to the scope around the innermost one.</summary>
    public void MoveToOuterDisposeScope()
    {
        Residuals?.MoveToOuterDisposeScope();
        Steps?.MoveToOuterDisposeScope();
    }

    /// <summary>Frees the tensors. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Residuals?.Dispose();
        Steps?.Dispose();
    }
}
