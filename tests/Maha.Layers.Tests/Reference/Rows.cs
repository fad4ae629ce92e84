using static TorchSharp.torch;

namespace Maha.Layers.Tests.Reference;

/// <summary>Converts tensors to jagged arrays and back, for the slow reference implementations.</summary>
internal static class Rows
{
    public static double[] Of1(Tensor tensor) => TestTensors.ToArray(tensor);

    public static double[][] Of2(Tensor tensor) => [.. tensor.unbind(0).Select(Of1)];

    public static double[][][] Of3(Tensor tensor) => [.. tensor.unbind(0).Select(Of2)];

    public static Tensor ToTensor(double[][] rows)
        => tensor(rows.SelectMany(row => row).ToArray()).reshape(rows.Length, rows[0].Length);

    public static Tensor ToTensor(double[][][] documents) => stack(documents.Select(ToTensor));
}
