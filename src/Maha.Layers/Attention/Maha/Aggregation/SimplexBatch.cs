namespace Maha.Layers.Attention;

/// <summary>The settings that a batch of simplex programs shares, and the outcome of the solver.</summary>
/// <param name="rho">The price of redundancy.</param>
/// <param name="rows">The number of problems per document; the rows after them are 0.</param>
/// <param name="available">The number of scales that may get weight, per document.</param>
internal sealed class SimplexBatch(double rho, int[] rows, int[] available)
{
    /// <summary>The price of redundancy.</summary>
    public double Rho { get; } = rho;

    /// <summary>The number of problems per document.</summary>
    public int[] Rows { get; } = rows;

    /// <summary>The number of scales that may get weight, per document.</summary>
    public int[] Available { get; } = available;

    /// <summary>The largest relative KKT residual per document.</summary>
    public double[] Residuals { get; private set; } = [];

    /// <summary>The largest number of supports that were tried for one problem.</summary>
    public int Steps { get; private set; }

    /// <summary>Sets the outcome from that of the pieces of each document.</summary>
    public void Report(double[] residuals, int[] steps, int pieces)
    {
        Residuals = new double[Rows.Length];
        for (int i = 0; i < residuals.Length; i++)
            Residuals[i / pieces] = residuals[i] <= Residuals[i / pieces] ? Residuals[i / pieces] : residuals[i];
        Steps = steps.Max();
    }
}
