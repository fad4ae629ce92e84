using Maha.Layers.Attention;
using Maha.Layers.Models;
using static Maha.Layers.Tests.PublicModules;
using static TorchSharp.torch;

namespace Maha.Layers.Tests;

/// <summary>
/// Every public module refuses invalid tensors with an ArgumentException before it passes them to TorchSharp, some of whose native code ends the process.
/// </summary>
public partial class ForwardArgumentTests
{
    public static TheoryData<string> Modules => Names;

    [Theory]
    [MemberData(nameof(Modules))]
    public void WrongTensor_IsRefused_AndTheRightOneIsAccepted(string name)
    {
        using var scope = NewDisposeScope();
        using var module = All[name]();
        var slots = Slots(name, module);
        slots.Forward(slots.Right);
        for (int at = 0; at < slots.Right.Length; at++)
        {
            foreach (var (what, wrong) in slots.Wrong[at]())
            {
                Tensor?[] inputs = [.. slots.Right];
                inputs[at] = wrong;
                var error = Record.Exception(() => slots.Forward(inputs));
                Assert.True(error is ArgumentException, $"input {at}, {what}: {error?.GetType().Name ?? "taken"} {error?.Message}");
                Assert.True(error!.Message.Length > 20, $"input {at}, {what}: {error.Message}");
            }
        }
        slots.Forward(slots.Right);
    }

    private sealed record Inputs(Tensor?[] Right, Func<IEnumerable<(string What, Tensor? Wrong)>>[] Wrong, Func<Tensor?[], object> Forward);

    private static Inputs Slots(string name, nn.Module module) => module switch
    {
        nn.Module<Tensor, MixingContext, EncoderResult> encoder when name.Contains("reference", StringComparison.Ordinal) =>
            new([Ids()], [WrongIds], inputs => encoder.call(inputs[0]!, MixingContext.Unpadded)),
        nn.Module<Tensor, MixingContext, EncoderResult> encoder =>
            new([Ids(), Mask()], [WrongIds, WrongMask], inputs => encoder.call(inputs[0]!, new MixingContext { KeyPaddingMask = inputs[1] })),
        nn.Module<Tensor, Tensor?, ModelResult> model => new([Ids(), Mask()], [WrongIds, WrongMask], inputs => model.call(inputs[0]!, inputs[1])),
        DocumentPooling pooling
            => new([Hidden(), Mask()], [() => WrongHidden(hasWeights: pooling.parameters().Any()), WrongMask], inputs => pooling.call(inputs[0]!, inputs[1])),
        nn.Module<Tensor, Tensor?, Tensor> documents when documents is not CrossScaleGate
            => new([Ids(), Mask()], [WrongIds, WrongMask], inputs => documents.call(inputs[0]!, inputs[1])),
        ReferenceMahaMixer mixer => new([Hidden()], [() => WrongHidden()], inputs => mixer.call(inputs[0]!, MixingContext.Unpadded)),
        // Mixers read a mask on any device.
        nn.Module<Tensor, MixingContext, MixingResult> mixer
            => new([Hidden(), Mask()], [() => WrongHidden(), () => WrongMask().Where(wrong => wrong.What != "other device")],
            inputs => mixer.call(inputs[0]!, new MixingContext { KeyPaddingMask = inputs[1] })),
        HierarchicalDecomposition decomposition
            => new([Hidden()], [() => WrongHidden(hasWeights: decomposition.parameters().Any())], inputs => decomposition.call(inputs[0]!)),
        nn.Module<Tensor, Tensor> layer => new([Hidden()], [() => WrongHidden()], inputs => layer.call(inputs[0]!)),
        CrossScaleGate gating => new([Hidden(), Hidden(N / 2)], [() => WrongHidden(), () => WrongHidden(N / 2)], inputs => gating.call(inputs[0]!, inputs[1]!)),
        MultiscaleAttention attention => new([Hidden(), Hidden(N / 2)], [() => WrongHidden(), () => WrongHidden(N / 2).Append(("length", Hidden(N / 2 + 1)))],
            inputs => attention.call([inputs[0]!, inputs[1]!], new HierarchicalDecomposition(D, S, 2))),
        // The reference mixer has no masks.
        ReferenceNashAggregation aggregation
            => new([Hidden(), Hidden()], [() => WrongHidden(), () => WrongHidden()], inputs => aggregation.call(new ScaleOutputs([inputs[0]!, inputs[1]!]))),
        ScaleAggregation aggregation => new([Hidden(), Hidden(), Mask(), zeros([B, S], ScalarType.Bool), zeros(B, S)],
            [
                () => WrongHidden(), () => WrongHidden(), WrongMask,
                () => Anywhere(zeros([B, S], ScalarType.Bool))
                    .Append(("shape", zeros([B, S + 1], ScalarType.Bool))).Append(("rank", zeros([S], ScalarType.Bool))).Append(("type", zeros(B, S))),
                () => Anywhere(zeros(B, S)).Append(("shape", zeros(B, S + 1))).Append(("rank", zeros(S))).Append(("type", zeros([B, S], ScalarType.Int64))),
            ],
            inputs => aggregation.call(
                new ScaleOutputs([inputs[0]!, inputs[1]!]) { KeyPaddingMask = inputs[2], UnavailableScales = inputs[3], RelativeCosts = inputs[4] })),
        NestedSignalEmbedding embedding => new([zeros([B, N], ScalarType.Int64), Ids(), zeros(B, N, 2), zeros([B, N], ScalarType.Int64)],
            [
                WrongIds, () => WrongIds().Append(("null", null)),
                () => Anywhere(zeros(B, N, 2)).Append(("rank", zeros(B, N))).Append(("length", zeros(B, N + 1, 2)))
                    .Append(("width", zeros(B, N, 1))).Append(("type", zeros([B, N, 2], ScalarType.Float64))).Append(("null", null)),
                () => WrongIds().Append(("null", null)),
            ],
            inputs => embedding.call(new NestedSignal(inputs[0]!, inputs[1], inputs[2], inputs[3]))),
        _ => throw new InvalidOperationException($"The test must say what {name} takes."),
    };

    private static Tensor Ids() => TestTensors.RandomIds(1, V, B, N);

    private static Tensor Mask() => zeros([B, N], ScalarType.Bool);

    private static Tensor Hidden(int length = N) => TestTensors.Random(1, B, length, D).to(ScalarType.Float32);

    private static IEnumerable<(string What, Tensor? Wrong)> Anywhere(Tensor right)
    {
        yield return ("other device", right.to(META));
        var disposed = right.clone();
        disposed.Dispose();
        yield return ("disposed", disposed);
    }

    private static IEnumerable<(string What, Tensor? Wrong)> WrongIds() => Anywhere(Ids()).Concat(
    [
        ("rank 1", Ids()[0]), ("rank 3", Ids().unsqueeze(0)), ("empty", zeros([B, 0], ScalarType.Int64)), ("type", Ids().to(ScalarType.Int32)),
        ("below the table", Ids() - V), ("behind the table", Ids() + V),
    ]);

    private static IEnumerable<(string What, Tensor? Wrong)> WrongMask() => Anywhere(Mask()).Concat(
    [
        ("length", zeros([B, N + 1], ScalarType.Bool)), ("batch", zeros([B + 1, N], ScalarType.Bool)),
        ("rank", zeros([N], ScalarType.Bool)), ("type", zeros(B, N)),
    ]);

    private static IEnumerable<(string What, Tensor? Wrong)> WrongHidden(int length = N, bool hasWeights = true)
        => Anywhere(Hidden(length)).Where(wrong => hasWeights || wrong.What != "other device").Concat(
    [
        ("rank 2", Hidden(length)[0]), ("rank 4", Hidden(length).unsqueeze(0)), ("narrower", Hidden(length).narrow(2, 0, D - 1)),
        ("wider", zeros(B, length, D + 1)),
        ("empty", zeros(B, 0, D)), ("type", Hidden(length).to(hasWeights ? ScalarType.Float64 : ScalarType.Int64)),
    ]);
}
