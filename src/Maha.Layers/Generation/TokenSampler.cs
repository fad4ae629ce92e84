using Maha.Layers.Core;


namespace Maha.Layers.Generation;

/// <summary>Draws the next token from logits: repetition penalty, temperature, the k likeliest, the likeliest that reach p, a draw.</summary>
/// <remarks>In float64 and on the processor, so that the same logits give the same token everywhere. Time O(V), besides the sorting of those that may be drawn under <see cref="GenerationOptions.TopP"/>.</remarks>
internal sealed class TokenSampler
{
    private const int TokenDraws = 7;

    private readonly GenerationOptions _options;
    private readonly Func<int, bool> _isAllowed;
    private readonly HashSet<int> _seen = [];
    private readonly List<(int Token, double Value)> _candidates = [];
    private DeterministicRandom _random;

    /// <summary>Starts a text.</summary>
    /// <param name="options">Checked options.</param>
    /// <param name="isAllowed">Which tokens may be drawn.</param>
    public TokenSampler(GenerationOptions options, Func<int, bool> isAllowed)
    {
        _options = options;
        _isAllowed = isAllowed;
        _random = new DeterministicRandom(DeterministicRandom.Combine(options.Seed, TokenDraws, 0));
    }

    /// <summary>Notes tokens that are in the text.</summary>
    public void See(ReadOnlySpan<int> tokens)
    {
        foreach (int token in tokens)
            _seen.Add(token);
    }

    /// <summary>Draws a token.</summary>
    /// <param name="logits">[V].</param>
    /// <exception cref="InvalidOperationException">A logit is not a number.</exception>
    public int Next(ReadOnlySpan<float> logits)
    {
        Gather(logits);
        int drawn = _options.Temperature == 0 ? Best() : Draw();
        _seen.Add(drawn);
        return drawn;
    }

    private void Gather(ReadOnlySpan<float> logits)
    {
        _candidates.Clear();
        for (int token = 0; token < logits.Length; token++)
        {
            double logit = logits[token];
            if (double.IsNaN(logit))
                throw new InvalidOperationException($"The logits must be numbers, but that of token {token} is not. Look for weights that are not finite.");
            if (!_isAllowed(token))
                continue;
            if (_options.RepetitionPenalty != 1 && _seen.Contains(token))
                logit = logit > 0 ? logit / _options.RepetitionPenalty : logit * _options.RepetitionPenalty;
            _candidates.Add((token, logit));
        }
    }

    // The first of the largest.
    private int Best()
    {
        var best = _candidates[0];
        foreach (var candidate in _candidates)
            best = candidate.Value > best.Value ? candidate : best;
        return best.Token;
    }

    private int Draw()
    {
        if (_options.TopK is int most && most < _candidates.Count)
            KeepLargest(most);
        double largest = double.NegativeInfinity, total = 0;
        foreach (var (_, logit) in _candidates)
            largest = Math.Max(largest, logit);
        for (int i = 0; i < _candidates.Count; i++)
        {
            // Infinite logits of all the likeliest leave equal chances to them.
            var (token, logit) = _candidates[i];
            double weight = logit == largest ? 1 : Math.Exp((logit - largest) / _options.Temperature);
            _candidates[i] = (token, weight);
            total += weight;
        }
        if (_options.TopP < 1)
            total = KeepMass(total);
        double left = (_random.Next() >> 11) * (1.0 / (1L << 53)) * total;
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
            // Of equal ones the first stay.
            smallestFirst.Enqueue(candidate, (candidate.Value, -candidate.Token));
            if (smallestFirst.Count > count)
                smallestFirst.Dequeue();
        }
        _candidates.Clear();
        while (smallestFirst.TryDequeue(out var candidate, out _))
            _candidates.Add(candidate);
    }

    // The likeliest until their sum reaches the share, at least one; returns their sum.
    private double KeepMass(double total)
    {
        // All below this together have less than what may be left out, so none of them is needed.
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
