using Maha.Layers.Core;

namespace Maha.Layers.Generation;

/// <summary>
/// Draws the next token from logits. The steps are: repetition penalty, top k, temperature, top p, random draw.
/// </summary>
/// <remarks>
/// It computes in float64 on the CPU, so that the same logits give the same token everywhere. Time O(V) for a vocabulary of V tokens,
/// and the sorting of the candidates under <see cref="GenerationOptions.TopP"/>.
/// </remarks>
internal sealed class TokenSampler
{
    private readonly GenerationOptions _options;
    private readonly Func<int, bool> _isAllowed;
    private readonly HashSet<int> _history = [];
    private readonly List<(int Token, double Value)> _candidates = [];
    private DeterministicRandom _random;

    /// <summary>Creates the sampler of one text.</summary>
    /// <param name="options">The options, which must be valid.</param>
    /// <param name="isAllowed">Returns whether a token may be drawn.</param>
    public TokenSampler(GenerationOptions options, Func<int, bool> isAllowed)
    {
        _options = options;
        _isAllowed = isAllowed;
        _random = new DeterministicRandom(DeterministicRandom.Combine(options.Seed, SeedPurpose.TokenSampling, 0));
    }

    /// <summary>Adds the tokens of the prompt to those that the repetition penalty applies to.</summary>
    public void AddHistory(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
            _history.Add(token);
    }

    /// <summary>Draws a token.</summary>
    /// <param name="logits">The logits of the next token, [V].</param>
    /// <returns>The token, which is added to the history.</returns>
    /// <exception cref="InvalidOperationException">A logit is not a number.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        Gather(logits);
        int drawn = _options.Temperature == 0 ? Best() : Draw();
        _history.Add(drawn);
        return drawn;
    }

    private void Gather(ReadOnlySpan<float> logits)
    {
        _candidates.Clear();
        for (int token = 0; token < logits.Length; token++)
        {
            double logit = logits[token];
            if (double.IsNaN(logit))
            {
                throw new InvalidOperationException(
                    $"The logits must be numbers, but that of token {token} is NaN. Check the model for weights that are not finite.");
            }
            if (!_isAllowed(token))
                continue;
            if (_options.RepetitionPenalty != 1 && _history.Contains(token))
                logit = logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty;
            _candidates.Add((token, logit));
        }
    }

    // The first of the largest logits.
    private int Best()
    {
        var best = _candidates[0];
        foreach (var candidate in _candidates)
            best = candidate.Value > best.Value ? candidate : best;
        return best.Token;
    }

    private int Draw()
    {
        if (_options.TopK is int topK && topK < _candidates.Count)
            KeepLargest(topK);
        double largest = double.NegativeInfinity, total = 0;
        foreach (var (_, logit) in _candidates)
            largest = Math.Max(largest, logit);
        for (int i = 0; i < _candidates.Count; i++)
        {
            // The difference of two infinite logits is NaN: the largest get weight 1 without a difference, so they are equally likely.
            var (token, logit) = _candidates[i];
            double weight = logit == largest ? 1 : Math.Exp((logit - largest) / _options.Temperature);
            _candidates[i] = (token, weight);
            total += weight;
        }
        if (_options.TopP < 1)
            total = KeepMass(total);
        double left = _random.NextDouble() * total;
        foreach (var (token, weight) in _candidates)
        {
            left -= weight;
            if (left < 0)
                return token;
        }
        return _candidates[^1].Token;
    }

    private void KeepLargest(int count)
    {
        var smallestFirst = new PriorityQueue<(int Token, double Value), (double Value, int Order)>(count + 1);
        foreach (var candidate in _candidates)
        {
            // Of equal logits the first stay.
            smallestFirst.Enqueue(candidate, (candidate.Value, -candidate.Token));
            if (smallestFirst.Count > count)
                smallestFirst.Dequeue();
        }
        _candidates.Clear();
        while (smallestFirst.TryDequeue(out var candidate, out _))
            _candidates.Add(candidate);
    }

    // Keeps the likeliest until their sum reaches the fraction TopP, at least one. Returns their sum.
    private double KeepMass(double total)
    {
        // All candidates below this number together have less weight than may be left out, so none of them is needed.
        double floor = (1 - _options.TopP) * total / _candidates.Count;
        _candidates.RemoveAll(candidate => candidate.Value < floor);
        _candidates.Sort((x, y) => x.Value != y.Value ? y.Value.CompareTo(x.Value) : x.Token.CompareTo(y.Token));
        double sum = 0;
        int kept = 0;
        while (kept < _candidates.Count && (kept == 0 || sum < _options.TopP * total))
            sum += _candidates[kept++].Value;
        _candidates.RemoveRange(kept, _candidates.Count - kept);
        return sum;
    }
}
