using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class OptimizerStateTests
{
    private static Parameter NewParameter(int seed) => new(tensor(Numbers.Sequence(4, seed)));

    private static void Train(Optimizer optimizer, Parameter parameter, int steps)
    {
        for (int i = 0; i < steps; i++)
        {
            optimizer.zero_grad();
            using (var scope = NewDisposeScope()) (parameter * parameter).sum().backward();
            optimizer.step();
        }
    }

    public static TheoryData<string> Kinds => ["sgd", "adam", "amsgrad", "adamw"];

    private static OptimizerHelper Make(string kind, Parameter parameter, double lr = 0.1) => kind switch
    {
        "sgd" => SGD([parameter], lr, momentum: 0.9, weight_decay: 0.01),
        "adam" => Adam([parameter], lr, weight_decay: 0.01),
        "amsgrad" => Adam([parameter], lr, amsgrad: true),
        _ => AdamW([parameter], lr, weight_decay: 0.01),
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TrainingContinues_AsIfItHadNotBeenInterrupted(string kind)
    {
        using Parameter whole = NewParameter(1), saved = NewParameter(1), loaded = NewParameter(1);
        using OptimizerHelper straight = Make(kind, whole), first = Make(kind, saved), second = Make(kind, loaded, lr: 7);
        Train(straight, whole, 7);
        Train(first, saved, 4);

        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        first.save_state_dict(writer);
        writer.Flush();
        stream.Position = 0;
        second.load_state_dict(new BinaryReader(stream));
        using (no_grad()) loaded.copy_(saved);
        Train(second, loaded, 3);

        Assert.Equal(Numbers.Of(whole), Numbers.Of(loaded));
        Assert.Equal(stream.Length, stream.Position);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void StateDictionary_CarriesOptionsAndState(string kind)
    {
        using Parameter a = NewParameter(1), b = NewParameter(1);
        using OptimizerHelper first = Make(kind, a), second = Make(kind, b, lr: 7);
        Train(first, a, 3);
        var source = first.state_dict();

        second.load_state_dict(source);

        Assert.Equal(0.1, second.ParamGroups.Single().LearningRate);
        Assert.Equal([[0]], source.StateIndexRef);
        Assert.True(second.state_dict().State[0].ApproximatelyEquals(source.State[0]));
        Train(first, a, 1);
        Assert.False(second.state_dict().State[0].ApproximatelyEquals(source.State[0]));
    }

    [Fact]
    public void AdamFile_IsByteForByteTheFormat()
    {
        using var parameter = new Parameter(ones(1));
        using Adam optimizer = Adam([parameter], lr: 0.5);
        (parameter * 2).sum().backward();
        optimizer.step();
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        optimizer.save_state_dict(writer);
        writer.Flush();

        byte[] expected =
        [
            4, .. "Adam"u8, 1, 1,
            .. BitConverter.GetBytes(0.5), .. BitConverter.GetBytes(0.5), .. BitConverter.GetBytes(0.9), .. BitConverter.GetBytes(0.999),
            .. BitConverter.GetBytes(1e-8), .. BitConverter.GetBytes(0.0), 0, 0,
            .. BitConverter.GetBytes(1L), 6, 1, 1, .. BitConverter.GetBytes((float)(1 - 0.9) * 2), 6, 1, 1, .. BitConverter.GetBytes((float)(1 - 0.999) * 4), 0,
        ];
        Assert.Equal(expected, stream.ToArray());
    }

    [Fact]
    public void FileOfAnotherOptimizer_IsRefused()
    {
        using var parameter = NewParameter(1);
        using OptimizerHelper adam = Make("adam", parameter), adamW = Make("adamw", parameter);
        using OptimizerHelper two = Adam([parameter, NewParameter(2)]);
        using var stream = new MemoryStream();
        var writer = new BinaryWriter(stream);
        adam.save_state_dict(writer);
        writer.Flush();

        Assert.Throws<InvalidDataException>(() => adamW.load_state_dict(new BinaryReader(new MemoryStream(stream.ToArray()))));
        Assert.Throws<ArgumentException>(() => two.load_state_dict(new BinaryReader(new MemoryStream(stream.ToArray()))));
        Assert.Throws<ArgumentException>(() => two.load_state_dict(adam.state_dict()));
        for (int length = 0; length < stream.Length; length++)
            Assert.Throws<EndOfStreamException>(() => adam.load_state_dict(new BinaryReader(new MemoryStream(stream.ToArray()[..length]))));
    }

    [Fact]
    public void State_OutlivesTheScopeOfTheStep()
    {
        using var parameter = NewParameter(1);
        using OptimizerHelper sgd = Make("sgd", parameter), amsgrad = Make("amsgrad", parameter);
        for (int i = 0; i < 3; i++)
        {
            using var scope = NewDisposeScope();
            (parameter * parameter).sum().backward();
            sgd.step();
            amsgrad.step();
        }

        Assert.False(((SGD.State)sgd.state_dict().State[0]).momentum_buffer.IsInvalid);
        Assert.False(((Adam.State)amsgrad.state_dict().State[0]).max_exp_avg_sq.IsInvalid);
    }

    [Fact]
    public void Dispose_ReleasesTheState()
    {
        using var parameter = NewParameter(1);
        OptimizerHelper optimizer = Make("adamw", parameter);
        var state = (AdamW.State)optimizer.state_dict().State[0];

        optimizer.Dispose();
        optimizer.Dispose();

        Assert.True(state.exp_avg.IsInvalid && state.exp_avg_sq.IsInvalid);
        Assert.False(parameter.IsInvalid);
    }
}
