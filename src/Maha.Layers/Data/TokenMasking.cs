using Maha.Layers.Core;
using Maha.Layers.Text;


namespace Maha.Layers.Data;

/// <summary>
/// Masks tokens as BERT does (Devlin et al. 2019): of a share of the tokens 80% become [MASK], 10% another token, 10% stay, and all are to be told.
/// Padding and other special tokens are never chosen.
/// </summary>
internal static class TokenMasking
{
    /// <summary>Masks in place.</summary>
    /// <param name="ids">Token ids.</param>
    /// <param name="fraction">The share that is masked.</param>
    /// <param name="vocabSize">The number of ids.</param>
    /// <param name="random">Where the choice comes from.</param>
    /// <returns>The places that were chosen, in order, and what stood there.</returns>
    public static (List<long> Places, List<long> Targets) Apply(Span<long> ids, double fraction, int vocabSize, ref DeterministicRandom random)
    {
        const int ordinary = ByteLevelBpeTokenizer.EosTokenId + 1; // the special tokens come first
        var places = new List<long>();
        var targets = new List<long>();
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i] < ordinary || !(Uniform(ref random) < fraction))
                continue;
            places.Add(i);
            targets.Add(ids[i]);
            double kind = Uniform(ref random);
            if (kind < 0.8)
                ids[i] = ByteLevelBpeTokenizer.MaskTokenId;
            else if (kind < 0.9 && vocabSize > ordinary)
                ids[i] = ordinary + random.Next(vocabSize - ordinary);
        }
        return (places, targets);
    }

    private static double Uniform(ref DeterministicRandom random) => (random.Next() >> 11) * (1.0 / (1L << 53));
}
