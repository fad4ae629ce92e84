using static TorchSharp.torch;

namespace Maha.Layers.Models;

/// <summary>The loss of a language model on a batch.</summary>
/// <param name="Mean">The mean of -ln p(next token), a scalar; 0 if no token is predicted.</param>
/// <param name="AuxiliaryLoss">The sum of the layers' auxiliary losses, a scalar.</param>
/// <param name="Count">The number of tokens that the mean is over.</param>
internal sealed record NextTokenLoss(Tensor Mean, Tensor AuxiliaryLoss, long Count) : IDisposable
{
    /// <summary>Frees the tensors. Not needed inside a dispose scope.</summary>
    public void Dispose()
    {
        Mean.Dispose();
        AuxiliaryLoss.Dispose();
    }
}
