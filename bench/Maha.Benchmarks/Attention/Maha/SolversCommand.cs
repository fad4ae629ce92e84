using System.Globalization;
using Maha.Layers.Attention;

namespace Maha.Benchmarks.Attention;

/// <summary><c>solvers [--instances N] [--seed S]</c>: residuals of the simplex program and of the equilibrium over random and degenerate instances.</summary>
internal static class SolversCommand
{
    private const double KktBound = 1e-9;
    private const double NashTolerance = 1e-10;
    private const int NashCap = 5000;

    // The smallest tau at which at most 1% of the instances may fail to converge.
    private const double LeastTemperature = 0.25;
    private const double AllowedFailures = 0.01;
    private static readonly double[] s_rhos = [0, 1e-3, 0.1, 1, 10, 1e3, 1e6];

    public static int Run(string[] args)
    {
        var reader = new OptionReader(args);
        int instances = reader.Integer("--instances", 10_000);
        var random = new Random(reader.Integer("--seed", 1));
        reader.RefuseLeft();
        bool good = Simplex(instances, random);
        good &= Nash(instances, random);
        return good ? ExitCode.Success : ExitCode.Failure;
    }

    private static bool Simplex(int instances, Random random)
    {
        double worst = 0, worstSingle = 0;
        int most = 0;
        long steps = 0;
        for (int instance = 0; instance < instances; instance++)
        {
            int scales = 1 + random.Next(12);
            double rho = s_rhos[random.Next(s_rhos.Length)], magnitude = Math.Pow(10, random.Next(-6, 7));
            var program = new SimplexProgram(Gram(random, scales, instance % 4), rho, scales, 1 + random.Next(scales));
            double[] linear = [.. Enumerable.Range(0, scales).Select(_ => magnitude * ((2 * random.NextDouble()) - 1))];
            double[] weights = new double[scales];
            var (residual, tried) = program.Solve(linear, weights);
            worst = residual <= worst ? worst : residual;
            worstSingle = Math.Max(worstSingle, rho <= 10 ? program.RelativeResidual(linear, [.. weights.Select(weight => (double)(float)weight)]) : 0);
            most = Math.Max(most, tried);
            steps += tried;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"simplex instances={instances} worst_kkt_residual={worst:E2} bound={KktBound:E0} "
            + $"worst_after_rounding_to_float32={worstSingle:E2} (rho <= 10) max_supports_tried={most} mean={(double)steps / instances:F2}"));
        return worst < KktBound;
    }

    private static bool Nash(int instances, Random random)
    {
        double worst = 0, worstFailed = 0;
        int failed = 0, most = 0;
        long iterations = 0;
        for (int instance = 0; instance < instances; instance++)
        {
            int scales = 1 + random.Next(12);
            double[] prices = [.. Enumerable.Range(0, scales).Select(_ => random.NextDouble())];
            var game = new NashEquilibrium(Gram(random, scales, instance % 4), prices, LeastTemperature + (2 * random.NextDouble()), scales);
            game.Solve(NashTolerance, NashCap, new double[scales]);
            failed += game.Converged ? 0 : 1;
            worst = Math.Max(worst, game.Converged ? game.Residual : 0);
            worstFailed = Math.Max(worstFailed, game.Converged ? 0 : game.Residual);
            most = Math.Max(most, game.Iterations);
            iterations += game.Iterations;
        }
        double rate = (double)failed / instances;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"nash instances={instances} temperature>={LeastTemperature} "
            + $"tolerance={NashTolerance:E0} worst_residual_converged={worst:E2} not_converged={failed} ({100 * rate:F2}%) "
            + $"worst_residual_not_converged={worstFailed:E2} max_iterations={most} mean={(double)iterations / instances:F1}"));
        return rate <= AllowedFailures && worst <= NashTolerance;
    }

    // Random rows, equal rows, zeros, almost equal rows; normalized as the model's are.
    private static double[] Gram(Random random, int scales, int kind)
    {
        int width = 1 + random.Next(64);
        double[][] rows = new double[scales][];
        for (int s = 0; s < scales; s++)
        {
            rows[s] = kind == 1 && s > 0 ? [.. rows[0]]
                : [.. Enumerable.Range(0, width).Select(_ => kind == 2 ? 0 : (2 * random.NextDouble()) - 1 + (kind == 3 ? 30 : 0))];
        }
        double[] scale = [.. rows.Select(row => 1 / Math.Sqrt((row.Sum(x => x * x) / width) + 1e-6))];
        return [.. Enumerable.Range(0, scales * scales)
            .Select(i => rows[i / scales].Zip(rows[i % scales], (x, y) => x * y).Sum() * scale[i / scales] * scale[i % scales] / width)];
    }
}
