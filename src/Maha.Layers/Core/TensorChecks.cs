using static TorchSharp.torch;

namespace Maha.Layers.Core;

// B batch, N length, D width

/// <summary>
/// Checks of arguments. A wrong shape must be found here, because the native library ends the process on a shape mismatch
/// in a matrix product, which no exception handler can prevent.
/// </summary>
internal static class TensorChecks
{
    /// <summary>Checks that a tensor is not null and not disposed.</summary>
    public static void Alive(Tensor? tensor, string name)
    {
        ArgumentNullException.ThrowIfNull(tensor, name);
        if (tensor.IsInvalid)
            throw new ArgumentException($"{name} must be a live tensor, but it has been disposed. Keep it outside the dispose scope that ended.", name);
    }

    /// <summary>Checks hidden states [B, N, D] against the layer that will be applied to them.</summary>
    public static void Hidden(Tensor? hidden, int dModel, nn.Module layer, string name) => Hidden(hidden, dModel, WeightOf(layer), name);

    /// <summary>
    /// Checks hidden states [B, N, D] against the weight that will be applied to them; null where there is no weight, so that any floating-point type
    /// and any device is accepted.
    /// </summary>
    public static void Hidden(Tensor? hidden, int dModel, Tensor? weight, string name)
    {
        Alive(hidden, name);
        long[] shape = hidden!.shape;
        if (shape.Length != 3)
            throw new ArgumentException($"{name} must have the shape [batch, length, {dModel}], but has {Show(shape)}. Add or remove a dimension.", name);
        if (shape[0] < 1 || shape[1] < 1)
            throw new ArgumentException($"{name} must hold at least one row and one token, but has the shape {Show(shape)}. Leave out empty batches.", name);
        if (shape[2] != dModel)
        {
            throw new ArgumentException(
                $"{name} must be {dModel} wide (dModel), but has the shape {Show(shape)}. Build the layer with dModel = {shape[2]}, or project the input.",
                name);
        }
        if (weight is not null)
            SameKind(hidden, weight, name);
        else if (!hidden.is_floating_point())
            throw new ArgumentException($"{name} must hold floating-point numbers, but holds {hidden.dtype}. Convert it with to(...).", name);
    }

    // The registered parameter, because the property 'weight' of TorchSharp's Embedding creates a new object at every call.
    private static Tensor WeightOf(nn.Module layer) => layer.get_parameter("weight")!;

    /// <summary>Checks that a tensor has the element type and the device of another one, by default the weights.</summary>
    public static void SameKind(Tensor tensor, Tensor weight, string name, string weights = "the weights")
    {
        if (tensor.dtype != weight.dtype)
        {
            throw new ArgumentException(
                $"{name} must have the element type of {weights}, {weight.dtype}, but has {tensor.dtype}. Convert one of them with to(...).", name);
        }
        SameDevice(tensor, weight, name, weights);
    }

    /// <summary>Checks that a tensor is on the device of another one, by default the weights.</summary>
    public static void SameDevice(Tensor tensor, Tensor like, string name, string others = "the weights")
    {
        if (tensor.device_type != like.device_type || tensor.device_index != like.device_index)
        {
            throw new ArgumentException(
                $"{name} must be on the device of {others}, {like.device}, but is on {tensor.device}. Move one of them with to(...).", name);
        }
    }

    /// <summary>Checks token ids [B, N] against the table that they will index: integers in [0, vocabSize), at most maxLength of them per row.</summary>
    public static void TokenIds(Tensor? ids, int vocabSize, int maxLength, Tensor weight, string name)
    {
        Alive(ids, name);
        long[] shape = ids!.shape;
        if (ids.dtype != ScalarType.Int64)
            throw new ArgumentException($"{name} must hold Int64 token ids, but holds {ids.dtype}. Convert them with to(ScalarType.Int64).", name);
        if (shape.Length != 2 || shape[0] < 1 || shape[1] < 1)
            throw new ArgumentException($"{name} must have the shape [batch, length] with at least one token, but has {Show(shape)}.", name);
        if (shape[1] > maxLength)
        {
            throw new ArgumentException(
                $"{name} must be at most {maxLength} tokens long (MaxSequenceLength), but has the shape {Show(shape)}. "
                + "Cut the documents, or build the model with a larger MaxSequenceLength.",
                name);
        }
        SameDevice(ids, weight, name);

        // An id outside the table is an exception on the CPU, but on CUDA it is an assertion that makes the whole context unusable.
        var (low, high) = KnownTokens.RangeOf(ids) ?? Range(ids);
        if (low < 0 || high >= vocabSize)
        {
            throw new ArgumentException(
                $"{name} must lie in [0, {vocabSize}) (VocabSize), but lie in [{low}, {high}]. Build the model with the tokenizer's vocabulary size.", name);
        }
    }

    private static (long Low, long High) Range(Tensor ids)
    {
        using var least = ids.min();
        using var largest = ids.max();
        return (least.item<long>(), largest.item<long>());
    }

    /// <summary>Checks a mask [B, N] of booleans.</summary>
    public static void TokenMask(Tensor? mask, long batchSize, long sequenceLength, Tensor like, string name)
    {
        Alive(mask, name);
        if (mask!.dtype != ScalarType.Bool)
            throw new ArgumentException($"{name} must hold Bool, but holds {mask.dtype}. Compare with a number to make booleans.", name);
        if (!mask.shape.AsSpan().SequenceEqual([batchSize, sequenceLength]))
            throw new ArgumentException($"{name} must have the shape [{batchSize}, {sequenceLength}] of the tokens, but has {Show(mask.shape)}.", name);
        SameDevice(mask, like, name, "the tokens");
    }

    /// <summary>Checks that a number of heads divides a width.</summary>
    public static void HeadsDivideWidth(int dModel, int numHeads, string name)
    {
        if (dModel % numHeads != 0)
        {
            throw new ArgumentException(
                $"dModel must be divisible by numHeads, but {dModel} % {numHeads} = {dModel % numHeads}. Choose numHeads among the divisors of {dModel}.",
                name);
        }
    }

    /// <summary>Checks that an integer lies in a closed range.</summary>
    public static void InRange(long value, long least, long most, string name, string remedy)
    {
        if (value < least || value > most)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must lie in [{least}, {most}], but is {value}. {remedy}");
    }

    /// <summary>Checks that a probability lies in [0, 1) and is a number.</summary>
    public static void Probability(double value, string name)
    {
        // Written so that NaN fails too.
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must lie in [0, 1), but is {value}. Use 0 to switch it off.");
    }

    /// <summary>Checks that a number lies in [0, 1].</summary>
    public static void Fraction(double value, string name, string remedy) =>
        Require(value >= 0 && value <= 1, value, name, "lie in [0, 1]", remedy);

    /// <summary>Checks a rule about a number. Write the rule so that NaN breaks it.</summary>
    /// <param name="holds">Whether the number follows the rule.</param>
    /// <param name="value">The number.</param>
    /// <param name="name">The name of the argument or option.</param>
    /// <param name="rule">The rule, continuing "must".</param>
    /// <param name="remedy">A sentence that says what to do.</param>
    public static void Require(bool holds, double value, string name, string rule, string remedy)
    {
        if (!holds)
            throw new ArgumentOutOfRangeException(name, value, $"{name} must {rule}, but is {value}. {remedy}");
    }

    /// <summary>Checks that a value is defined by its enumeration.</summary>
    public static void Known<T>(T value, string name) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}, but is {value}.");
    }

    /// <summary>Formats a shape, in brackets.</summary>
    public static string Show(ReadOnlySpan<long> shape)
    {
        var text = new System.Text.StringBuilder("[");
        for (int i = 0; i < shape.Length; i++)
            text.Append(i == 0 ? "" : ", ").Append(shape[i]);
        return text.Append(']').ToString();
    }
}
