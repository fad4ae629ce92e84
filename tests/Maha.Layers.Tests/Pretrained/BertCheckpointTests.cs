using Maha.Layers.Attention;
using Maha.Layers.Models;
using Maha.Layers.Pretrained;
using Maha.Layers.Weights;
using static TorchSharp.torch;

namespace Maha.Layers.Tests.Pretrained;

public sealed class BertCheckpointTests
{
    [Theory]
    [InlineData("")]
    [InlineData("model.safetensors")]
    public void Folder_AndFile_AreOpened(string file) => InFolder(null, folder =>
    {
        using var checkpoint = BertCheckpoint.Open(Path.Combine(folder, file));
        Assert.Equal(BertSamples.H, checkpoint.NumHeads);
        Assert.Equal(1e-12, checkpoint.NormEpsilon);
        Assert.True(checkpoint.Tokenizer.LowerCase);
        Assert.Equal(BertSamples.Vocabulary.Length, checkpoint.Tokenizer.VocabSize);
        Assert.DoesNotContain(checkpoint.Tensors.Keys, name => name.Contains("pooler", StringComparison.Ordinal) || name.Contains("position_ids", StringComparison.Ordinal));
        using var scope = NewDisposeScope();
        var expected = BertWeights.LoadEncoder(Path.Combine(folder, "model.safetensors"), BertSamples.H, 0, 1e-12);
        AssertSameFeatures(expected, checkpoint.CreateEncoder(), 0);
    });

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 3e-3)]
    public void SavedAndLoaded_IsTheSame(bool half, double tolerance) => InFolder(null, folder =>
    {
        using var checkpoint = BertCheckpoint.Open(folder);
        using var stream = new MemoryStream();
        checkpoint.Save(stream, half);
        stream.Position = 0;
        using var loaded = BertCheckpoint.Load(stream);
        Assert.Equal((checkpoint.NumHeads, checkpoint.NormEpsilon), (loaded.NumHeads, loaded.NormEpsilon));
        Assert.Equal(checkpoint.Tokenizer.VocabularyText(), loaded.Tokenizer.VocabularyText());
        Assert.All(loaded.Tensors.Values, tensor => Assert.Equal(half ? ScalarType.Float16 : ScalarType.Float32, tensor.dtype));
        using var scope = NewDisposeScope();
        var encoder = loaded.CreateEncoder();
        Assert.All(encoder.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.dtype));
        double difference = AssertSameFeatures(checkpoint.CreateEncoder(), encoder, tolerance);
        Assert.Equal(half, difference > 0);

        // A packed file needs no other file beside it.
        string alone = Path.Combine(Directory.CreateDirectory(Path.Combine(folder, "alone")).FullName, "packed.safetensors");
        File.WriteAllBytes(alone, stream.ToArray());
        using var opened = BertCheckpoint.Open(alone);
        Assert.Equal(loaded.NumHeads, opened.NumHeads);
    });

    [Fact]
    public void Checkpoint_OutlivesTheScope_AndFreesItsTensors() => InFolder(null, folder =>
    {
        BertCheckpoint checkpoint;
        using (NewDisposeScope())
            checkpoint = BertCheckpoint.Open(folder);
        Assert.All(checkpoint.Tensors.Values, tensor => Assert.False(tensor.IsInvalid));
        checkpoint.Dispose();
        Assert.All(checkpoint.Tensors.Values, tensor => Assert.True(tensor.IsInvalid));
    });

    [Fact]
    public void Case_IsThatOfTheTokenizerConfiguration_OrOfTheVocabulary()
    {
        InFolder(folder => File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"do_lower_case": false}"""), folder =>
        {
            using var checkpoint = BertCheckpoint.Open(folder);
            Assert.False(checkpoint.Tokenizer.LowerCase);
        });
        InFolder(folder => File.WriteAllLines(Path.Combine(folder, "vocab.txt"), [.. BertSamples.Vocabulary[..^1], "Sat"]), folder =>
        {
            using var checkpoint = BertCheckpoint.Open(folder);
            Assert.False(checkpoint.Tokenizer.LowerCase);
        });
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("tokenizer_config.json")]
    public void AByteOrderMark_IsPassedOver(string file) => InFolder(
        folder =>
        {
            string path = Path.Combine(folder, file);
            File.WriteAllBytes(path, [0xEF, 0xBB, 0xBF, .. File.Exists(path) ? File.ReadAllBytes(path) : "{}"u8.ToArray()]);
        },
        folder =>
        {
            using var checkpoint = BertCheckpoint.Open(folder);
            Assert.Equal(BertSamples.Vocabulary.Length, checkpoint.Tokenizer.VocabSize);
        });

    public static TheoryData<string, string, string> BadSettings => new()
    {
        { "config.json", """{"model_type": "roberta", "num_attention_heads": 3}""", "\"model_type\" in" },
        { "config.json", """{"hidden_act": "gelu_new", "num_attention_heads": 3}""", "must be \"gelu\", but is \"gelu_new\"" },
        { "config.json", """{"position_embedding_type": "relative_key", "num_attention_heads": 3}""", "must be \"absolute\"" },
        { "config.json", """{"is_decoder": true, "num_attention_heads": 3}""", "\"is_decoder\" in" },
        { "config.json", "{}", "must have \"num_attention_heads\"" },
        { "config.json", """{"num_attention_heads": 0}""", "an integer of at least 1, but is 0" },
        { "config.json", """{"num_attention_heads": 5}""", "must divide the width, but there are 5 heads and the width is 12" },
        { "config.json", """{"num_attention_heads": 3, "num_hidden_layers": 3}""", "but have 2 and it states 3" },
        { "config.json", """{"num_attention_heads": 3, "layer_norm_eps": "x"}""", "\"layer_norm_eps\" in" },
        { "config.json", """{"model_type": "\ud800", "num_attention_heads": 3}""", "\"model_type\" in" },
        { "config.json", "[1]", "must be a JSON object" },
        { "config.json", "{", "must be JSON" },
        { "tokenizer_config.json", """{"do_lower_case": 1}""", "must be true or false" },
        { "tokenizer_config.json", """{"do_lower_case": true, "strip_accents": false}""", "\"strip_accents\" in" },
        { "tokenizer_config.json", """{"tokenize_chinese_chars": false}""", "\"tokenize_chinese_chars\" in" },
        { "vocab.txt", "a\nb", "must have [UNK], [CLS], [SEP] and [PAD]" },
        { "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\ne\nf\ng", "there are 10 embeddings and 11 entries" },
    };

    [Theory]
    [MemberData(nameof(BadSettings))]
    public void Settings_ThatAreNotSupported_AreRefused(string file, string content, string message) =>
        InFolder(folder => File.WriteAllText(Path.Combine(folder, file), content), folder =>
            Assert.Contains(message, Assert.Throws<WeightFileException>(() => BertCheckpoint.Open(folder)).Message, StringComparison.Ordinal));

    [Theory]
    [InlineData("config.json", "states the number of heads")]
    [InlineData("vocab.txt", "holds the vocabulary")]
    [InlineData("model.safetensors", "must have model.safetensors or model.onnx")]
    public void MissingFiles_AreNamed(string file, string message) => InFolder(folder => File.Delete(Path.Combine(folder, file)), folder =>
        Assert.Contains(message, Assert.Throws<FileNotFoundException>(() => BertCheckpoint.Open(folder)).Message, StringComparison.Ordinal));

    [Fact]
    public void OtherPaths_AreRefused() => InFolder(null, folder =>
    {
        Assert.Throws<FileNotFoundException>(() => BertCheckpoint.Open(Path.Combine(folder, "none.onnx")));
        Assert.Contains(".safetensors or .onnx",
            Assert.Throws<WeightFileException>(() => BertCheckpoint.Open(Path.Combine(folder, "vocab.txt"))).Message, StringComparison.Ordinal);
        using var file = File.OpenRead(Path.Combine(folder, "model.safetensors"));
        Assert.Contains("packed checkpoint", Assert.Throws<WeightFileException>(() => BertCheckpoint.Load(file)).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void DamagedPackedFiles_AreRefused_OrChangeOnlyWeights() => InFolder(null, folder =>
    {
        using var checkpoint = BertCheckpoint.Open(folder);
        using var stream = new MemoryStream();
        checkpoint.Save(stream, half: true);
        byte[] file = stream.ToArray();
        for (int length = 0; length < file.Length; length += length < 2000 ? 13 : 501)
            AssertRefused(file[..length]);
        int headerEnd = 8 + (int)BitConverter.ToInt64(file);
        var random = new Random(3);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] altered = [.. file];
            altered[random.Next(headerEnd)] ^= (byte)(1 << random.Next(8));
            try
            {
                using var damaged = new MemoryStream(altered);
                using var loaded = BertCheckpoint.Load(damaged);
                loaded.CreateEncoder().Dispose();
            }
            catch (WeightFileException cause)
            {
                Assert.Contains("must", cause.Message, StringComparison.Ordinal);
                refused++;
            }
        }
        Assert.InRange(refused, 200, 300);
    });

    [Fact]
    public void WeightsBeyondFloat16_AreNotSavedAsFloat16() => InFolder(
        folder =>
        {
            using var scope = NewDisposeScope();
            var tensors = BertSamples.Tensors();
            tensors["embeddings.LayerNorm.bias"].fill_(1e5);
            SafetensorsWriter.Write(Path.Combine(folder, "model.safetensors"), tensors);
        },
        folder =>
        {
            using var checkpoint = BertCheckpoint.Open(folder);
            using var stream = new MemoryStream();
            Assert.Contains("65504", Assert.Throws<WeightFileException>(() => checkpoint.Save(stream, half: true)).Message, StringComparison.Ordinal);
            Assert.Equal(0, stream.Length);
            checkpoint.Save(stream, half: false);
        });

    private static void AssertRefused(byte[] file)
    {
        using var stream = new MemoryStream(file);
        Assert.Throws<WeightFileException>(() => BertCheckpoint.Load(stream));
    }

    private static double AssertSameFeatures(MahaEncoder expected, MahaEncoder actual, double tolerance)
    {
        using var noGradient = no_grad();
        var ids = TestTensors.RandomIds(5, BertSamples.Vocabulary.Length, 2, 9);
        double difference = TestTensors.Difference(
            expected.call(ids, MixingContext.Unpadded).Features.to_type(ScalarType.Float64), actual.call(ids, MixingContext.Unpadded).Features.to_type(ScalarType.Float64));
        Assert.InRange(difference, 0, tolerance);
        return difference;
    }

    private static void InFolder(Action<string>? change, Action<string> test)
    {
        string folder = BertSamples.WriteFolder(change);
        try
        {
            test(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
