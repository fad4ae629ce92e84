namespace Maha.MLNet;

/// <summary>
/// The pretrained models of the installed packages of weights. This package has none: a package such as Maha.Pretrained.MiniLM adds a member for its model.
/// </summary>
public static class MahaPretrained
{
}
