using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Maha.Embedded.TorchSharp.Tests;

public sealed class ModuleTests
{
    private sealed class Leaf : Module<Tensor, Tensor>
    {
        public readonly Parameter scale;
        public Tensor offset;
        public readonly Linear projection;

        public Leaf() : base(nameof(Leaf))
        {
            scale = new Parameter(ones(3));
            offset = zeros(3);
            projection = Linear(3, 2);
            RegisterComponents();
        }

        public override Tensor forward(Tensor input) => projection.call(input * scale + offset);
    }

    private sealed class Tree : Module<Tensor, Tensor>
    {
        public readonly ModuleList<Leaf> leaves;
        private readonly Parameter _gain;

        public Tree() : base(nameof(Tree))
        {
            leaves = ModuleList(new Leaf(), new Leaf());
            _gain = new Parameter(ones(1));
            register_module("layers", leaves);
            register_parameter("gain", _gain);
            register_buffer("cache", zeros(4), persistent: false);
        }

        public override Tensor forward(Tensor input) => leaves[0].call(input) * _gain;
    }

    [Fact]
    public void Fields_AreRegisteredUnderTheirNames()
    {
        using var leaf = new Leaf();

        Assert.Equal(["scale", "projection.weight", "projection.bias"], leaf.named_parameters().Select(p => p.name));
        Assert.Equal(["offset"], leaf.named_buffers().Select(b => b.name));
        Assert.Equal(["projection"], leaf.named_children().Select(m => m.name));
    }

    [Fact]
    public void Parameters_AreListedDepthFirst_OwnFirst()
    {
        using var tree = new Tree();

        Assert.Equal(
            ["gain", "layers.0.scale", "layers.0.projection.weight", "layers.0.projection.bias", "layers.1.scale", "layers.1.projection.weight", "layers.1.projection.bias"],
            tree.named_parameters().Select(p => p.name));
        Assert.Equal(["layers", "layers.0", "layers.1", "layers.0.projection", "layers.1.projection"], tree.named_modules().Select(m => m.name));
        Assert.Equal(["gain"], tree.named_parameters(recurse: false).Select(p => p.name));
    }

    [Fact]
    public void StateDict_ListsParametersThenBuffers()
    {
        using var tree = new Tree();

        Assert.Equal(
            ["gain", "layers.0.scale", "layers.0.projection.weight", "layers.0.projection.bias", "layers.1.scale", "layers.1.projection.weight",
                "layers.1.projection.bias", "layers.0.offset", "layers.1.offset"],
            tree.state_dict().Keys);
    }

    [Fact]
    public void NonPersistentBuffers_AreNeverListed()
    {
        using var tree = new Tree();

        Assert.DoesNotContain("cache", tree.named_buffers().Select(b => b.name));
        Assert.True(tree.has_buffer("cache"));
        Assert.Equal(4, tree.get_buffer("cache").numel());
    }

    [Fact]
    public void DottedNames_FindParametersAndBuffersOfDescendants()
    {
        using var tree = new Tree();

        Assert.Same(tree.leaves[1].scale, tree.get_parameter("layers.1.scale"));
        Assert.Same(tree.leaves[1].offset, tree.get_buffer("layers.1.offset"));
        Assert.True(tree.has_parameter("layers.0.projection.bias"));
        Assert.False(tree.has_parameter("layers.2.projection.bias"));
        Assert.Null(tree.get_parameter("layers.0.nothing"));
    }

    [Fact]
    public void TiedParameters_AreListedOnce_AndSavedUnderBothNames()
    {
        using var first = Linear(3, 3);
        using var second = Linear(3, 3);
        second.weight = first.weight;
        using var both = Sequential(("a", first), ("b", second));
        var holder = new Holder(both);

        Assert.Equal(["layers.a.weight", "layers.a.bias", "layers.b.bias"], holder.named_parameters().Select(p => p.name));
    }

    private sealed class Holder : Module
    {
        public Holder(Module layers) : base(nameof(Holder)) => register_module("layers", layers);
    }

    [Fact]
    public void Mode_ReachesEveryDescendant()
    {
        using var tree = new Tree();
        tree.eval();

        Assert.False(tree.training);
        Assert.All(tree.modules(), m => Assert.False(m.training));

        tree.train();
        Assert.All(tree.modules(), m => Assert.True(m.training));
    }

    [Fact]
    public void Apply_VisitsChildrenBeforeTheirParent()
    {
        using var tree = new Tree();
        var visited = new List<string>();

        tree.apply(m => visited.Add(m.GetName()));

        Assert.Equal(["torch::nn::LinearImpl", "Leaf", "torch::nn::LinearImpl", "Leaf", "ModuleList", "Tree"], visited);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a.b")]
    public void ImpossibleModuleName_Throws(string name)
    {
        using var tree = new Tree();
        using var child = Linear(1, 1);

        Assert.Throws<ArgumentException>(() => tree.register_module(name, child));
    }

    [Fact]
    public void RegisteringANameTwice_Throws()
    {
        using var tree = new Tree();
        using var parameter = new Parameter(zeros(1));
        using var child = Linear(1, 1);

        Assert.Throws<InvalidOperationException>(() => tree.register_parameter("gain", parameter));
        Assert.Throws<InvalidOperationException>(() => tree.register_buffer("cache", parameter));
        Assert.Throws<InvalidOperationException>(() => tree.register_module("layers", child));
        Assert.Throws<ArgumentNullException>(() => tree.register_parameter("nothing", null!));
    }

    [Fact]
    public void ZeroGrad_RemovesOrZeroesGradients()
    {
        using var layer = Linear(3, 2);
        using (Tensor loss = layer.call(ones(1, 3)).sum()) loss.backward();
        layer.zero_grad(set_to_none: false);
        Assert.All(layer.parameters(), p => Assert.All(Numbers.Of(p.grad), v => Assert.Equal(0, v)));

        layer.zero_grad();
        Assert.All(layer.parameters(), p => Assert.Null(p.grad));
    }

    [Fact]
    public void ConvertingTheType_MakesNewLeavesWithTheirGradients_AndUpdatesFields()
    {
        using var leaf = new Leaf();
        using (Tensor loss = leaf.call(ones(2, 3)).sum()) loss.backward();
        Parameter old = leaf.scale;
        double[] gradient = Numbers.Of(old.grad);

        Leaf same = leaf.to(ScalarType.Float64);

        Assert.Same(leaf, same);
        Assert.True(old.IsInvalid);
        Assert.NotSame(old, leaf.scale);
        Assert.Same(leaf.scale, leaf.get_parameter("scale"));
        Assert.Same(leaf.offset, leaf.get_buffer("offset"));
        Assert.All(leaf.state_dict().Values, t => Assert.Equal(ScalarType.Float64, t.dtype));
        Assert.True(leaf.scale is { is_leaf: true, requires_grad: true });
        Numbers.Equal(gradient, leaf.scale.grad);
        Assert.Equal(ScalarType.Float64, leaf.call(ones(1, 3, dtype: ScalarType.Float64)).dtype);
    }

    [Fact]
    public void ConvertingToTheSameTypeAndDevice_KeepsTheParameters()
    {
        using var leaf = new Leaf();
        Parameter before = leaf.scale;

        leaf.to(ScalarType.Float32).to(torch.CPU).to("cpu").cpu();

        Assert.Same(before, leaf.scale);
    }

    [Fact]
    public void ConvertingToAnIntegerType_Throws()
    {
        using var leaf = new Leaf();

        Assert.Throws<ArgumentException>(() => leaf.to(ScalarType.Int64));
    }

    [Fact]
    public void FrozenParameters_StayFrozenWhenConverted()
    {
        using var leaf = new Leaf();
        leaf.scale.requires_grad = false;

        leaf.@double();

        Assert.False(leaf.scale.requires_grad);
    }

    [Fact]
    public void Dispose_ReleasesParametersAndBuffersOfTheWholeTree()
    {
        var tree = new Tree();
        List<Tensor> owned = [.. tree.state_dict().Values];

        tree.Dispose();

        Assert.All(owned, t => Assert.True(t.IsInvalid));
    }

    [Fact]
    public void ModuleDict_KeepsTheOrderOfAddition_AndRegistersWithItsParent()
    {
        var modules = ModuleDict(("z", Linear(1, 1)), ("a", Linear(1, 1)));
        modules.Add("m", Linear(1, 1));
        var holder = new Holder(modules);

        Assert.Equal(["z", "a", "m"], modules.Keys);
        Assert.Equal(["layers.z.weight", "layers.z.bias", "layers.a.weight", "layers.a.bias", "layers.m.weight", "layers.m.bias"],
            holder.named_parameters().Select(p => p.name));
        Assert.Equal(1, modules.IndexOf(("a", modules["a"])));
        Assert.True(modules.Remove("a"));
        Assert.Equal("m", modules[1].Item1);
        Assert.Throws<ArgumentException>(() => modules.Add("m", Linear(1, 1)));
    }

    [Fact]
    public void ParameterList_FollowsAConversion()
    {
        var list = ParameterList(new Parameter(ones(2)), new Parameter(ones(3)));
        _ = new Holder(list);

        list.@double();

        Assert.All(list, p => Assert.Equal(ScalarType.Float64, p.dtype));
        Assert.Equal(["0", "1"], list.named_parameters().Select(p => p.name));
    }

    [Fact]
    public void ParameterOfATensor_TakesTheTensorOver()
    {
        Tensor data = ones(2);
        using var parameter = new Parameter(data);

        Assert.True(data.IsInvalid);
        Assert.True(parameter.requires_grad);
        using var frozen = new Parameter(ones(2), requires_grad: false);
        Assert.False(frozen.requires_grad);
    }
}
