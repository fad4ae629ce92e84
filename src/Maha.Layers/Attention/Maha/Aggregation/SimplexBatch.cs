namespace Maha.Layers.Attention;

/// <summary>What a batch of simplex programmes shares, and how its solution ended.</summary>
/// <param name="rho">Price of redundancy.</param>
/// <param name="rows">Problems per document; the rows behind are left 0.</param>
/// <param name="available">Scales that may get weight, per document.</param>
internal sealed class SimplexBatch(double rho, int[] rows, int[] available)
{
    public double Rho { get; } = rho;

    public int[] Rows { get; } = rows;

    public int[] Available { get; } = available;

    /// <summary>The largest relative KKT residual per document.</summary>
    public double[] Residuals { get; private set; } = [];

    /// <summary>The most supports that one problem tried.</summary>
    public int Steps { get; private set; }

    /// <summary>Takes the figures of the pieces that each document was cut into.</summary>
    public void Report(double[] residuals, int[] steps, int pieces)
    {
        Residuals = new double[Rows.Length];
        for (int i = 0; i < residuals.Length; i++)
            Residuals[i / pieces] = residuals[i] <= Residuals[i / pieces] ? Residuals[i / pieces] : residuals[i];
        Steps = steps.Max();
    }
}
