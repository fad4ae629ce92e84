namespace Maha.Layers.Text;

/// <summary>Half precision, in which the weights of linear models are saved.</summary>
internal static class HalfPrecision
{
    /// <summary>Rounds each weight to half precision, so that a loaded model scores exactly as the fitted one.</summary>
    public static void Round(Span<float> weights)
    {
        foreach (ref float weight in weights)
            weight = (float)(Half)weight;
    }
}
