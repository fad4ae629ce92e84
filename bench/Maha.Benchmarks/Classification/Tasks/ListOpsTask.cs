namespace Maha.Benchmarks.Classification.Tasks;

/// <summary>
/// <c>listops</c>: nested lists of digits with operators, after the ListOps task of the Long Range Arena (Tay et al. 2020; Nangia and Bowman 2018). The class
/// is the value of the expression, 0 to 9.
/// </summary>
/// <remarks>
/// An operator has 2 to 10 arguments. An argument is a list with probability 1/4 and else a digit; lists are nested up to 9 deep, so that digits are at depth
/// 10 at most. MIN and MAX take the smallest and the largest argument, MED the median (of an even number of arguments the mean of the middle two, rounded
/// down), SM the sum modulo 10. Operators and digits are equally likely. Expressions outside the limits of length are drawn again. Tokens are separated by
/// blanks, and the opening bracket is part of the operator: <c>[MAX 2 9 [MIN 4 7 ] 0 ]</c> has 9 tokens.
/// </remarks>
internal sealed class ListOpsTask : DocumentTask
{
    private const int MaxDepth = 10, MaxArguments = 10;

    private static readonly string[] s_operators = ["[MIN", "[MAX", "[MED", "[SM"];
    private static readonly string[] s_digits = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

    private readonly int _minTokens, _maxTokens;

    /// <param name="minTokens">The number of tokens that every expression exceeds.</param>
    /// <param name="maxTokens">The number of tokens that no expression reaches.</param>
    public ListOpsTask(int minTokens, int maxTokens)
        : base("listops")
    {
        if (minTokens + 10 > maxTokens)
            throw new UsageException($"--tokens takes the lower and the upper limit, at least 10 apart, but got {minTokens} and {maxTokens}.");
        (_minTokens, _maxTokens) = (minTokens, maxTokens);
    }

    public override TaskDocument Make(TaskPart part, int index, TaskRandom random)
    {
        var tokens = new List<string>(_maxTokens);
        for (int attempt = 0; attempt < 1_000_000; attempt++)
        {
            tokens.Clear();
            int? value = Draw(tokens, 1, random);
            if (value is int digit && tokens.Count > _minTokens && tokens.Count < _maxTokens)
                return new TaskDocument(s_digits[digit], string.Join(' ', tokens));
        }
        throw new UsageException(
            $"--tokens takes limits that random expressions meet, but none of 1,000,000 has over {_minTokens} and under {_maxTokens} tokens.");
    }

    // Returns the value; null where the expression gets too long.
    private int? Draw(List<string> tokens, int depth, TaskRandom random)
    {
        if (tokens.Count >= _maxTokens)
            return null;
        if (depth == MaxDepth || random.Next(4) > 0)
        {
            int digit = random.Next(10);
            tokens.Add(s_digits[digit]);
            return digit;
        }
        int operation = random.Next(s_operators.Length);
        int[] arguments = new int[2 + random.Next(MaxArguments - 1)];
        tokens.Add(s_operators[operation]);
        for (int i = 0; i < arguments.Length; i++)
        {
            if (Draw(tokens, depth + 1, random) is not int value)
                return null;
            arguments[i] = value;
        }
        tokens.Add("]");
        return operation switch
        {
            0 => arguments.Min(),
            1 => arguments.Max(),
            2 => Median(arguments),
            _ => arguments.Sum() % 10,
        };
    }

    private static int Median(int[] values)
    {
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }
}
