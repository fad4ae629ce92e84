using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>One update of AdamW in place (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm 2).</summary>
internal static class AdamWUpdate
{
    /// <summary>The default decay of the first moment.</summary>
    public const double Beta1 = 0.9;

    /// <summary>The default decay of the second moment.</summary>
    public const double Beta2 = 0.999;

    /// <summary>The default number that keeps the denominator above 0.</summary>
    public const double Epsilon = 1e-8;

    /// <summary>Updates a parameter and its moments. Gradients must be off, and a dispose scope must be open.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="mean">The first moment.</param>
    /// <param name="square">The second moment.</param>
    /// <param name="step">The number of the step, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="weightDecay">The weight decay.</param>
    /// <param name="beta1">The decay of the first moment.</param>
    /// <param name="beta2">The decay of the second moment.</param>
    /// <param name="epsilon">The number that keeps the denominator above 0.</param>
    public static void Apply(
        Tensor parameter, Tensor gradient, Tensor mean, Tensor square, long step, double rate, double weightDecay,
        double beta1 = Beta1, double beta2 = Beta2, double epsilon = Epsilon)
    {
        parameter.mul_(1 - (rate * weightDecay));
        mean.mul_(beta1).add_(gradient, alpha: 1 - beta1);
        square.mul_(beta2).addcmul_(gradient, gradient, value: 1 - beta2);
        var scale = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(beta2, step))).add_(epsilon);
        parameter.addcdiv_(mean, scale, value: -rate / (1 - Math.Pow(beta1, step)));
    }
}
