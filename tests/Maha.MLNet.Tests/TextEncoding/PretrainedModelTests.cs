using Maha.Layers.Attention;
using Maha.Layers.Core;
using Maha.MLNet.Classification;
using Maha.MLNet.Fitting;
using Maha.MLNet.ModelFiles;
using Maha.MLNet.Tests.LanguageModel;
using Maha.MLNet.TextEncoding;
using Microsoft.ML;

namespace Maha.MLNet.Tests.TextEncoding;

public sealed class PretrainedModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("maha-tests-").FullName;
    private readonly MLContext _mlContext = new(1);
    private readonly IDataView _data;

    public PretrainedModelTests() => _data = _mlContext.Data.LoadFromEnumerable(Toys.Documents(30));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void FrozenEncoder_IsTheSavedOne_FromZipAndFromWeights()
    {
        using var saved = Encoders.Fit(_mlContext, _data);
        float[] expected = Encoders.Vectors(_mlContext, saved, "the cat near the rain")[0];
        string zip = Zip(saved), weights = Path.Combine(_folder, "encoder.safetensors");
        saved.SaveWeights(weights);
        foreach (string path in new[] { zip, weights })
        {
            using var frozen = _mlContext.Transforms.MahaEncode(
                new() { OutputColumnName = "Features", InputColumnName = "Text", PretrainedModel = path, Freeze = true }).Fit(_data);
            Assert.Equal(expected, Encoders.Vectors(_mlContext, frozen, "the cat near the rain")[0]);
        }
    }

    // Also the value that is the default of an estimator without pretrained model.
    [Theory]
    [InlineData(null, 64)]
    [InlineData(32, 32)]
    [InlineData(16383, 16383)]
    [InlineData(16384, 16384)]
    public void MaxSequenceLength_IsThatOfTheOptions_OrOfTheFileWhereItIsNotSet(int? length, int expected)
    {
        using var saved = Encoders.Fit(_mlContext, _data);
        var encoder = new MahaTextEncodingEstimator.Options { InputColumnName = "Text", PretrainedModel = Zip(saved), NumberOfEpochs = 1 };
        var classifier = new MahaTextClassificationTrainer.Options { PretrainedModel = encoder.PretrainedModel, NGrams = false, NumberOfEpochs = 1 };
        if (length is int given)
            (encoder.MaxSequenceLength, classifier.MaxSequenceLength) = (given, given);
        using var encoding = _mlContext.Transforms.MahaEncode(encoder).Fit(_data);
        Assert.Equal(expected, encoding.Encoder.Manifest.MaxDocumentTokens);
        using var classification = _mlContext.MulticlassClassification.Trainers.MahaTextClassification(classifier)
            .Fit(Toys.Keyed(_mlContext, Toys.Documents(12)));
        Assert.Equal(expected, classification.Classifier.Manifest.MaxDocumentTokens);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void AZipWithoutOneDescription_IsRefused(int descriptions)
    {
        using var saved = Encoders.Fit(_mlContext, _data);
        string path = Zip(saved);
        using (var zip = System.IO.Compression.ZipFile.Open(path, System.IO.Compression.ZipArchiveMode.Update))
        {
            var description = zip.Entries.Single(entry => entry.Name == "Encoder.json");
            if (descriptions == 2)
            {
                string other = description.FullName.Replace("Encoder.json", "Other.json", StringComparison.Ordinal);
                using var writer = new StreamWriter(zip.CreateEntry(other).Open());
                writer.Write("{}");
            }
            else
            {
                description.Delete();
            }
        }
        var e = Assert.ThrowsAny<Exception>(() => Encoders.Fit(_mlContext, _data, o => o.PretrainedModel = path));
        Assert.Contains(
            $"must have one description, a stream whose name ends in .json, but has {descriptions}", $"{e.Message} {e.InnerException?.Message}", StringComparison.Ordinal);
    }

    // A batch of one piece has nothing to contrast it with.
    [Theory]
    [InlineData(0, 32, 1)]
    [InlineData(1, 32, 0)]
    [InlineData(1, 512, null)]
    [InlineData(0, 512, null)]
    public void PiecesThatHaveABatchOfTheirOwn_AreNotContrastedSilently(double maskedTokenWeight, int tokensPerBatch, int? refusals)
    {
        var warnings = Warnings.Of(_mlContext);
        var documents = Enumerable.Range(0, 20).Select(i => new Document { Text = string.Concat(Enumerable.Repeat($"the cat near {i} the rain ", 40)) });
        var data = _mlContext.Data.LoadFromEnumerable(documents);
        void Fit() => Encoders.Fit(
            _mlContext, data, o => (o.MaskedTokenWeight, o.TokensPerBatch, o.ViewLength, o.ValidationFraction) = (maskedTokenWeight, tokensPerBatch, 16, 0)).Dispose();
        const string remedy = "Raise TokensPerBatch to 128 or lower ViewLength (16)";
        if (refusals == 1)
        {
            Assert.Contains(remedy, Assert.Throws<ArgumentException>(Fit).Message, StringComparison.Ordinal);
        }
        else
        {
            Fit();
            Assert.Equal(refusals is null ? 0 : 1, warnings.Count(warning => warning.Contains(remedy, StringComparison.Ordinal)));
        }
    }

    [Fact]
    public void FineTunedEncoder_StartsFromTheSavedOne()
    {
        using var saved = Encoders.Fit(_mlContext, _data);
        using var tuned = Encoders.Fit(_mlContext, _data, o => (o.PretrainedModel, o.LearningRate) = (Zip(saved), 1e-9));
        var (before, after) = (Encoders.Vectors(_mlContext, saved, "the cat near the rain")[0],
            Encoders.Vectors(_mlContext, tuned, "the cat near the rain")[0]);
        for (int k = 0; k < before.Length; k++)
            Assert.Equal(before[k], after[k], 1e-3f);
        using var trained = Encoders.Fit(_mlContext, _data, o => (o.PretrainedModel, o.NumberOfEpochs) = (Zip(saved), 3));
        Assert.NotEqual(before, Encoders.Vectors(_mlContext, trained, "the cat near the rain")[0]);
    }

    [Fact]
    public void WeightsFlow_FromEncoderToClassifier_AndBack()
    {
        using var encoder = Encoders.Fit(_mlContext, _data);
        using var classifier = Toys.Trainer(_mlContext, o => (o.PretrainedModel, o.LearningRate) = (Zip(encoder), 1e-9))
            .Fit(Toys.Keyed(_mlContext, Toys.Documents(30)));
        // At that learning rate nothing is learned, so that the weights are still those of the encoder's file.
        using var back = Encoders.Fit(_mlContext, _data, o => (o.PretrainedModel, o.Freeze) = (Zip(classifier), true));
        var (before, after) = (Encoders.Vectors(_mlContext, encoder, "the cat near the rain")[0],
            Encoders.Vectors(_mlContext, back, "the cat near the rain")[0]);
        for (int k = 0; k < before.Length; k++)
            Assert.Equal(before[k], after[k], 1e-3f);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void LocalResidual_IsThatOfTheFile(bool localResidual)
    {
        string first = Trained(o => (o.Attention, o.LocalResidual) = (AttentionKind.Maha, localResidual));
        Assert.Equal(localResidual, Of(first));
        Assert.Equal(localResidual, Of(Trained(o => o.PretrainedModel = first)));
        Assert.Equal(localResidual, Of(Trained(o => (o.PretrainedModel, o.Attention, o.LocalResidual) = (first, AttentionKind.Maha, localResidual))));
        if (localResidual)
        {
            var e = Assert.Throws<ArgumentException>(() => Trained(o => (o.PretrainedModel, o.Attention, o.LocalResidual) = (first, AttentionKind.Maha, false)));
            Assert.Contains("LocalResidual must be left out or be that of the pretrained model", e.Message, StringComparison.Ordinal);
        }

        string Trained(Action<MahaTextClassificationTrainer.Options> set)
        {
            using var model = Toys.Trainer(_mlContext, set).Fit(Toys.Keyed(_mlContext, Toys.Documents(30)));
            return Zip(model);
        }

        static bool Of(string zip)
        {
            using var file = PretrainedFile.Open(zip);
            return Assert.IsType<MahaOptions>(file.Model.Attention).LocalResidual;
        }
    }

    [Theory]
    [InlineData(AttentionKind.Maha, PositionKind.Rotary)]
    [InlineData(AttentionKind.HsaCausal, PositionKind.Rotary)]
    [InlineData(AttentionKind.Full, PositionKind.Learned)]
    public void WeightsFlow_FromLanguageModel_ToEncoderAndClassifier(AttentionKind attention, PositionKind positions)
    {
        using var languageModel = LanguageToys.Estimator(_mlContext,
            o => (o.Attention, o.Positions, o.Overlap) = (attention, positions, attention == AttentionKind.HsaCausal)).Fit(_data);
        string zip = Zip(languageModel), weights = Path.Combine(_folder, "language.safetensors");
        languageModel.SaveWeights(weights);
        float[] expected = Frozen(zip);
        Assert.Equal(expected, Frozen(weights));
        // At that learning rate nothing is learned, so that the classifier's file has the language model's weights.
        using var classifier = _mlContext.MulticlassClassification.Trainers.MahaTextClassification(
            new MahaTextClassificationTrainer.Options { PretrainedModel = zip, NumberOfEpochs = 1, LearningRate = 1e-9, Seed = 7 })
            .Fit(Toys.Keyed(_mlContext, Toys.Documents(30)));
        float[] after = Frozen(Zip(classifier));
        Assert.Equal(expected.Length, after.Length);
        for (int k = 0; k < expected.Length; k++)
            Assert.Equal(expected[k], after[k], 1e-3f);
        using var tuned = _mlContext.Transforms.MahaEncode(Of(zip, freeze: false)).Fit(_data);
        Assert.NotEqual(expected, Encoders.Vectors(_mlContext, tuned, "the cat near the rain")[0]);

        float[] Frozen(string path)
        {
            using var frozen = _mlContext.Transforms.MahaEncode(Of(path, freeze: true)).Fit(_data);
            using var loaded = (MahaTransformer)_mlContext.Model.Load(Zip(frozen), out _);
            float[] vector = Encoders.Vectors(_mlContext, frozen, "the cat near the rain")[0];
            Assert.All(vector, value => Assert.True(float.IsFinite(value)));
            Assert.Equal(vector, Encoders.Vectors(_mlContext, loaded, "the cat near the rain")[0]);
            return vector;
        }

        static MLNet.TextEncoding.MahaTextEncodingEstimator.Options Of(string path, bool freeze) => new()
        {
            OutputColumnName = "Features",
            InputColumnName = "Text",
            PretrainedModel = path,
            Freeze = freeze,
            SpectralDim = 0,
            NumberOfEpochs = 1,
            ViewLength = 8,
            Seed = 7,
        };
    }

    [Fact]
    public void OptionThatContradictsTheFile_Throws_NamingBoth()
    {
        using var encoder = Encoders.Fit(_mlContext, _data);
        string zip = Zip(encoder);
        Assert.Contains("DModel must be left out or be that of the pretrained model",
            Refused<ArgumentException>(o => (o.PretrainedModel, o.DModel) = (zip, 32)), StringComparison.Ordinal);
        Assert.Contains(", 16, but is 32", Refused<ArgumentException>(o => (o.PretrainedModel, o.DModel) = (zip, 32)), StringComparison.Ordinal);
        Assert.Contains("Attention must be left out",
            Refused<ArgumentException>(o => (o.PretrainedModel, o.Attention) = (zip, AttentionKind.Full)), StringComparison.Ordinal);
        Assert.Contains("NumLayers must be left out", Assert.Throws<ArgumentException>(() =>
            Toys.Trainer(_mlContext, o => (o.PretrainedModel, o.NumLayers) = (zip, 3))
                .Fit(Toys.Keyed(_mlContext, Toys.Documents(9)))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OtherFile_Throws()
    {
        Assert.Contains("there is none at", Refused<FileNotFoundException>(o => o.PretrainedModel = Path.Combine(_folder, "no.zip")), StringComparison.Ordinal);
        foreach (byte[] content in new[] { [], "PK"u8.ToArray(), "label\ttext"u8.ToArray(), new byte[5000] })
        {
            string path = Path.Combine(_folder, $"{content.Length}.bin");
            File.WriteAllBytes(path, content);
            Assert.Contains("must be a whole model of Maha", Refused<MahaModelFileException>(o => o.PretrainedModel = path), StringComparison.Ordinal);
        }
        string other = Path.Combine(_folder, "other.zip");
        var chain = _mlContext.Transforms.CopyColumns("Copy", "Text").Fit(_data);
        _mlContext.Model.Save(chain, _data.Schema, other);
        Assert.Contains("must hold one Maha transformer, but holds 0",
            Refused<MahaModelFileException>(o => o.PretrainedModel = other), StringComparison.Ordinal);
    }

    [Fact]
    public void DamagedModel_Throws()
    {
        using var encoder = Encoders.Fit(_mlContext, _data);
        byte[] whole = ModelZip.Save(_mlContext, encoder, _data.Schema);
        foreach (string name in new[] { "Encoder.json", "Tokenizer", "Weights.safetensors", "Checksums" })
        {
            var zip = new ModelZip(whole, "Encoder.json");
            byte[] damaged = [.. zip[name]];
            damaged[damaged.Length / 2] ^= 4;
            zip[name] = damaged;
            string path = Path.Combine(_folder, name + ".zip");
            File.WriteAllBytes(path, zip.ToArray());
            Refused<MahaModelFileException>(o => o.PretrainedModel = path);
            Assert.ThrowsAny<Exception>(() => ModelZip.Load(zip.ToArray()));
        }
        for (int i = 0; i < 20; i++)
        {
            string path = Path.Combine(_folder, "part.zip");
            File.WriteAllBytes(path, whole[..(int)((long)whole.Length * i / 20)]);
            Refused<MahaModelFileException>(o => o.PretrainedModel = path);
        }
    }

    private string Zip(ITransformer model)
    {
        string path = Path.Combine(_folder, Guid.NewGuid() + ".zip");
        _mlContext.Model.Save(model, null, path);
        return path;
    }

    private string Refused<TException>(Action<MLNet.TextEncoding.MahaTextEncodingEstimator.Options> change) where TException : Exception
        => Assert.Throws<TException>(() => Encoders.Fit(_mlContext, _data, change)).Message;
}
