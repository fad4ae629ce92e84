using Maha.Layers.Core;
using Maha.Layers.Text;

namespace Maha.Layers.Data;

/// <summary>
/// Masks tokens as BERT does (Devlin et al. 2019). Of the chosen tokens 80% become [MASK], 10% become another token and 10% stay; all of
/// them are to be predicted. Padding and other special tokens are never chosen.
/// </summary>
internal static class TokenMasker
{
    /// <summary>Masks token ids in place.</summary>
    /// <param name="ids">The token ids.</param>
    /// <param name="fraction">The probability that a token is chosen, in [0, 1).</param>
    /// <param name="vocabSize">The number of ids of the vocabulary.</param>
    /// <param name="random">The source of random numbers.</param>
    /// <returns>The positions of the chosen tokens in ascending order, and their ids before masking.</returns>
    public static (List<long> Positions, List<long> Targets) Mask(Span<long> ids, double fraction, int vocabSize, ref DeterministicRandom random)
    {
        const int firstOrdinary = ByteLevelBpeTokenizer.EosTokenId + 1; // the special tokens have the first ids
        var positions = new List<long>();
        var targets = new List<long>();
        for (int i = 0; i < ids.Length; i++)
        {
            if (ids[i] < firstOrdinary || !(random.NextDouble() < fraction))
                continue;
            positions.Add(i);
            targets.Add(ids[i]);
            double kind = random.NextDouble();
            if (kind < 0.8)
                ids[i] = ByteLevelBpeTokenizer.MaskTokenId;
            else if (kind < 0.9 && vocabSize > firstOrdinary)
                ids[i] = firstOrdinary + random.Next(vocabSize - firstOrdinary);
        }
        return (positions, targets);
    }
}
