using Maha.Layers.Text;

namespace Maha.Layers.Tests.Text;

public class LogitFusionTests
{
    [Fact]
    public void Fit_FindsTheMinimum_WithinItsBounds()
    {
        for (int seed = 1; seed <= 30; seed++)
        {
            var random = new Random(seed);
            int count = 3 + random.Next(60);
            int[] labels = [.. Enumerable.Range(0, count).Select(_ => random.Next(3))];
            double wideEvidence = random.Next(-1, 4), deepEvidence = random.Next(-3, 8);
            double[][] wide =
                [.. labels.Select(label => Enumerable.Range(0, 3).Select(c => (c == label ? wideEvidence : 0) + 2 * random.NextDouble()).ToArray())];
            float[][] deep =
                [.. labels.Select(label => Enumerable.Range(0, 3).Select(c => (float)((c == label ? deepEvidence : 0) + 4 * random.NextDouble())).ToArray())];
            double Loss(double a, double b) => 5 * Math.Pow(a - 1, 2) + 5 * Math.Pow(b - 0.5, 2) + Enumerable.Range(0, count).Sum(i =>
            {
                float[] z = new LogitFusion(a, b).Combine(wide[i], deep[i]);
                return Math.Log(z.Sum(value => Math.Exp(value))) - z[labels[i]];
            });
            var fusion = LogitFusion.Fit(wide, deep, labels, default);
            Assert.True(fusion.Wide >= 0 && fusion.Deep >= 0);
            double fitted = Loss(fusion.Wide, fusion.Deep);
            for (double a = 0; a <= 4; a += 0.1)
            {
                for (double b = 0; b <= 4; b += 0.1)
                    Assert.True(fitted <= Loss(a, b) + 1e-4, $"seed {seed}: {fusion} is worse than {a}, {b}");
            }
        }
    }
}
