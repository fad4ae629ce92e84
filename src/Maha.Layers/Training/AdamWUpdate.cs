using static TorchSharp.torch;

namespace Maha.Layers.Training;

/// <summary>One update of AdamW in place (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", arXiv 1711.05101, algorithm 2).</summary>
internal static class AdamWUpdate
{
    public const double Beta1 = 0.9;
    public const double Beta2 = 0.999;
    public const double Epsilon = 1e-8;

    /// <summary>Updates a parameter and its moments. Gradients must be off, and a dispose scope must be open.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="mean">The first moment.</param>
    /// <param name="square">The second moment.</param>
    /// <param name="step">The number of the step, from 1.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="weightDecay">The weight decay.</param>
    public static void Apply(Tensor parameter, Tensor gradient, Tensor mean, Tensor square, long step, double rate, double weightDecay)
    {
        parameter.mul_(1 - (rate * weightDecay));
        mean.mul_(Beta1).add_(gradient, alpha: 1 - Beta1);
        square.mul_(Beta2).addcmul_(gradient, gradient, value: 1 - Beta2);
        var scale = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(Beta2, step))).add_(Epsilon);
        parameter.addcdiv_(mean, scale, value: -rate / (1 - Math.Pow(Beta1, step)));
    }
}
