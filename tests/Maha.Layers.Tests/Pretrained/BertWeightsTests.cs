using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Pretrained;
using Maha.Layers.Swap;
using Maha.Layers.Weights;
using static Maha.Layers.Tests.TestTensors;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Pretrained;

public class BertWeightsTests
{
    private const int V = 30;
    private const int D = 12;
    private const int H = 3;
    private const int F = 20;
    private const int L = 2;
    private const int P = 18;
    private const int N = 15;

    [Theory]
    [InlineData("bert.", 0, 1e-12, false)]
    [InlineData("", 0, 1e-12, true)]
    [InlineData("roberta.", 2, 1e-5, false)]
    public void Features_AreThoseOfThePlainFormulas(string prefix, int firstPosition, double epsilon, bool oldNames)
    {
        using var scope = NewDisposeScope();
        var tensors = Tensors(prefix, oldNames);
        string path = Path.GetTempFileName();
        try
        {
            SafetensorsWriter.Write(path, tensors, null);
            var encoder = BertWeights.LoadEncoder(path, H, firstPosition, epsilon);
            var ids = RandomIds(3, V, 2, N);
            var mask = stack([arange(N).ge(N), arange(N).ge(9)], 0);
            var features = encoder.call(ids, new MixingContext { KeyPaddingMask = mask }).Features;
            var expected = Plain(tensors, prefix, oldNames, ids, mask, firstPosition, epsilon);
            AssertClose(expected.masked_fill(mask.unsqueeze(-1), 0), features, Tolerances.SameFormula);

            var trees = new HsaConversionOptions { Branching = 1024 };
            var swapped = HsaConversion.Swap(encoder, [0, 1], trees).call(ids, new MixingContext { KeyPaddingMask = mask }).Features;
            AssertClose(features, swapped, Tolerances.SameFormula);
            var coarse = HsaConversion.Swap(encoder, [0, 1], trees with { Branching = 4 }).call(ids, new MixingContext { KeyPaddingMask = mask }).Features;
            Assert.InRange(Difference(features, coarse), 1e-6, 10);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Encoder_OutlivesTheTensors_AndTheScopeItWasLoadedIn()
    {
        using var scope = NewDisposeScope();
        string path = Path.GetTempFileName();
        try
        {
            MahaEncoder created, loaded;
            double[] word;
            using (NewDisposeScope())
            {
                var tensors = Tensors("", false);
                word = ToArray(tensors["embeddings.word_embeddings.weight"]);
                SafetensorsWriter.Write(path, tensors);
                created = BertWeights.CreateEncoder(tensors, H, 0, 1e-12);
                loaded = BertWeights.LoadEncoder(path, H, 0, 1e-12);
            }
            foreach (var encoder in new[] { created, loaded })
            {
                ModuleWeights.RequireAlive(encoder);
                Assert.Equal(word, ToArray(encoder.state_dict()["token_embedding.weight"]));
                Assert.True(double.IsFinite(encoder.call(RandomIds(3, V, 1, N), MixingContext.Unpadded).Features.sum().item<double>()));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void OtherLayouts_AreRefused()
    {
        using var scope = NewDisposeScope();
        Refused("embeddings.word_embeddings.weight", tensors => tensors.Clear());
        Refused("at least one layer", tensors => tensors.Remove("encoder.layer.0.attention.self.query.weight"));
        Refused("'encoder.layer.1.output.dense.bias' is missing", tensors => tensors.Remove("encoder.layer.1.output.dense.bias"));
        Refused("numbered without gaps", tensors => tensors.Remove("encoder.layer.1.attention.self.query.weight"));
        Refused("must have 1 dimensions", tensors => tensors["embeddings.LayerNorm.weight"] = zeros([2, 2]));
        foreach (string part in new[] { "word", "position", "token_type" })
        {
            Refused(
                "at least one row",
                tensors => tensors[$"embeddings.{part}_embeddings.weight"] = zeros([0, tensors["embeddings.LayerNorm.weight"].shape[0]]));
        }
        Refused("of one width", tensors => tensors["embeddings.token_type_embeddings.weight"] = zeros([2, 2]));

        static void Refused(string message, Action<Dictionary<string, Tensor>> change)
        {
            var tensors = Tensors("", false);
            change(tensors);
            Assert.Contains(message,
                Assert.Throws<WeightFileException>(() => BertWeights.CreateEncoder(tensors, H, 0, 1e-12)).Message, StringComparison.Ordinal);
        }
    }

    // The names that files of these models use.
    private static Dictionary<string, Tensor> Tensors(string prefix, bool oldNames)
    {
        var tensors = new Dictionary<string, Tensor>();
        int seed = 1;
        Add("embeddings.word_embeddings.weight", V, D);
        Add("embeddings.position_embeddings.weight", P, D);
        Add("embeddings.token_type_embeddings.weight", 2, D);
        Norm("embeddings.LayerNorm");
        for (int layer = 0; layer < L; layer++)
        {
            string name = $"encoder.layer.{layer}.";
            foreach (string projection in new[] { "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense" })
                Linear(name + projection, D, D);
            Norm(name + "attention.output.LayerNorm");
            Linear(name + "intermediate.dense", F, D);
            Linear(name + "output.dense", D, F);
            Norm(name + "output.LayerNorm");
        }
        Linear("pooler.dense", D, D);
        return tensors;

        void Add(string name, params long[] shape) => tensors[prefix + name] = Random(seed++, shape);

        void Linear(string name, int rows, int columns)
        {
            Add(name + ".weight", rows, columns);
            Add(name + ".bias", rows);
        }

        void Norm(string name)
        {
            Add(name + (oldNames ? ".gamma" : ".weight"), D);
            Add(name + (oldNames ? ".beta" : ".bias"), D);
        }
    }

    private static Tensor Plain(Dictionary<string, Tensor> tensors, string prefix, bool oldNames, Tensor ids, Tensor mask, int firstPosition, double epsilon)
    {
        var x = Get("embeddings.word_embeddings.weight")[ids]
            + Get("embeddings.position_embeddings.weight").narrow(0, firstPosition, N) + Get("embeddings.token_type_embeddings.weight")[0];
        x = Norm(x, "embeddings.LayerNorm");
        for (int layer = 0; layer < L; layer++)
        {
            string name = $"encoder.layer.{layer}.";
            Tensor heads(string projection) => Linear(x, name + "attention.self." + projection).reshape(2, N, H, D / H).transpose(1, 2);
            var scores = heads("query").matmul(heads("key").transpose(2, 3)) / Math.Sqrt(D / H);
            var attended = scores.masked_fill(mask.unsqueeze(1).unsqueeze(1), double.NegativeInfinity).softmax(-1).matmul(heads("value"));
            x = Norm(x + Linear(attended.transpose(1, 2).reshape(2, N, D), name + "attention.output.dense"), name + "attention.output.LayerNorm");
            var expanded = Linear(x, name + "intermediate.dense");
            x = Norm(x + Linear(expanded * 0.5 * (1 + (expanded / Math.Sqrt(2)).erf()), name + "output.dense"), name + "output.LayerNorm");
        }
        return x;

        Tensor Get(string name) => tensors[prefix + name];

        Tensor Linear(Tensor rows, string name) => rows.matmul(Get(name + ".weight").t()) + Get(name + ".bias");

        Tensor Norm(Tensor rows, string name)
        {
            var centered = rows - rows.mean([-1], keepdim: true);
            var variance = (centered * centered).mean([-1], keepdim: true);
            return (centered / (variance + epsilon).sqrt() * Get(name + (oldNames ? ".gamma" : ".weight"))) + Get(name + (oldNames ? ".beta" : ".bias"));
        }
    }
}
