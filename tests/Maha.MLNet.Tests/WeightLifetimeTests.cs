using System.Reflection;
using Maha.Layers.Attention;
using Maha.Layers.Generation;
using Maha.Layers.Weights;
using Maha.MLNet.LanguageModel;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.Tests.TextEncoding;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests;

/// <summary>A transformer's network lives until the transformer is disposed. A model with disposed weights is not saved.</summary>
public class WeightLifetimeTests
{
    private readonly MLContext _mlContext = new(1);

    public static TheoryData<string> Kinds => ["classifier", "binary", "encoder", "language model"];

    public static TheoryData<AttentionKind> CausalAttentions => [AttentionKind.Maha, AttentionKind.Full, AttentionKind.Window, AttentionKind.HsaCausal];

    [Theory]
    [MemberData(nameof(CausalAttentions))]
    public void LanguageModel_ScoresGeneratesAndIsSaved_Repeatedly(AttentionKind attention)
    {
        var data = LanguageToys.Data(_mlContext);
        using var model = LanguageToys.Estimator(_mlContext, options => options.Attention = attention).Fit(data);
        var options = new GenerationOptions { MaxTokens = 12, Seed = 3 };
        string? score = null, text = null;
        byte[]? weights = null;
        for (int round = 0; round < 3; round++)
        {
            GoOn(model);
            using var stream = new MemoryStream();
            _mlContext.Model.Save(model, data.Schema, stream);
            byte[] written = new ModelZip(stream.ToArray(), "LanguageModel.json")["Weights.safetensors"];
            Assert.Equal(weights ??= written, written);
            GoOn(model);
            stream.Position = 0;
            var loaded = _mlContext.Model.Load(stream, out _);
            using var owner = (IDisposable)loaded;
            GoOn(MahaLanguageModelTransformer.Find(loaded));
            GoOn(MahaLanguageModelTransformer.Find(loaded));
        }

        void GoOn(MahaLanguageModelTransformer transformer)
        {
            string said = transformer.Score("the cat sees the otter.").ToString(), written = transformer.Generate("the cat", options);
            Assert.Equal(score ??= said, said);
            Assert.Equal(text ??= written, written);
            Assert.NotEmpty(Rows.Of(transformer.Transform(data)));
            ModuleWeights.RequireAlive(NetworkOf(transformer));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void FittedOrLoadedInAScope_OutlivesIt(string kind)
    {
        ITransformer fitted, loaded;
        var data = DataOf(kind);
        using (NewDisposeScope())
        {
            fitted = Fit(kind, data);
            using var stream = new MemoryStream();
            _mlContext.Model.Save(fitted, data.Schema, stream);
            stream.Position = 0;
            loaded = _mlContext.Model.Load(stream, out _);
        }
        using (fitted as IDisposable)
        using (loaded as IDisposable)
        {
            ModuleWeights.RequireAlive(NetworkOf(fitted));
            ModuleWeights.RequireAlive(NetworkOf(loaded));
            Rows.Agree(Rows.Of(fitted.Transform(data)), Rows.Of(loaded.Transform(data)));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EncoderFromAFile_OutlivesTheScopeItIsFittedIn(bool zip)
    {
        string path = Path.GetTempFileName();
        try
        {
            var data = DataOf("encoder");
            using (var first = Encoders.Fit(_mlContext, data))
            {
                if (zip)
                    _mlContext.Model.Save(first, data.Schema, path);
                else
                    first.SaveWeights(path);
            }
            ITransformer second;
            using (NewDisposeScope())
                second = Encoders.Fit(_mlContext, data, options => options.PretrainedModel = path);
            using (second as IDisposable)
            {
                ModuleWeights.RequireAlive(NetworkOf(second));
                Assert.NotEmpty(Rows.Of(second.Transform(data)));
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void BrokenModel_IsNotSaved(string kind)
    {
        var data = DataOf(kind);
        var model = (MahaTransformer)Fit(kind, data);
        using var owner = model;
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "old");
            NetworkOf(model).parameters().Last().Dispose();
            using var stream = new MemoryStream();
            Refused(() => _mlContext.Model.Save(model, data.Schema, stream));
            Refused(() => model.SaveWeights(path));
            Assert.Equal("old", File.ReadAllText(path));
            Assert.False(File.Exists(path + ".partial"));
        }
        finally
        {
            File.Delete(path);
        }

        static void Refused(Action save)
            => Assert.Contains("build or load the module again", Assert.Throws<InvalidOperationException>(save).Message, StringComparison.Ordinal);
    }

    private IDataView DataOf(string kind) => kind switch
    {
        "classifier" => Toys.Keyed(_mlContext, Toys.Documents(30)),
        "binary" => _mlContext.Data.LoadFromEnumerable(Toys.Verdicts(30)),
        "encoder" => _mlContext.Data.LoadFromEnumerable(Toys.Documents(30)),
        _ => LanguageToys.Data(_mlContext),
    };

    private ITransformer Fit(string kind, IDataView data) => kind switch
    {
        "classifier" => Toys.Trainer(_mlContext).Fit(data),
        "binary" => Toys.BinaryTrainer(_mlContext).Fit(data),
        "encoder" => Encoders.Fit(_mlContext, data),
        _ => LanguageToys.Estimator(_mlContext).Fit(data),
    };

    // Not accessible to users.
    private static nn.Module NetworkOf(ITransformer transformer)
    {
        const BindingFlags hidden = BindingFlags.Instance | BindingFlags.NonPublic;
        object model = typeof(MahaTransformer).GetField("_model", hidden)!.GetValue(transformer)!;
        return (nn.Module)model.GetType().GetProperty("Network", hidden)!.GetValue(model)!;
    }
}
