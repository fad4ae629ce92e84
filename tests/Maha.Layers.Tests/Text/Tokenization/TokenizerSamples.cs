using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

/// <summary>Small training texts and tokenizers that tests share.</summary>
internal static class TokenizerSamples
{
    internal static readonly string[] Texts =
    [
        "the quick brown fox jumps over the lazy dog. The dog doesn't mind; the fox does!\n\nA second paragraph, 1234567 words long.",
        "the theory of the thing that they think there is, then the other thing\n  indented text\tand tabs   and spaces\r\n",
        "\u0436\u0443\u043A \u0436\u0443\u043A\u0438 \u0436\u0443\u0436\u0436\u0430\u0442, caf\u00E9 caf\u00E9s, na\u00EFve; "
            + "\u4E2D\u6587\u4E2D\u6587 \U0001F600\U0001F600\U0001F600 e\u0301e\u0301",
        "for (int i = 0; i < 100; i++) { sum += values[i]; } // ------------------------------------------------------------------------------",
    ];

    internal static readonly ByteLevelBpeTokenizer Small =
        ByteLevelBpeTokenizer.Train(Texts, new ByteLevelBpeTokenizerOptions { VocabSize = 300, MinFrequency = 2 });

    internal static byte[] Save(ByteLevelBpeTokenizer tokenizer)
    {
        using var stream = new MemoryStream();
        tokenizer.Save(stream);
        return stream.ToArray();
    }

    internal static ByteLevelBpeTokenizer Load(byte[] file)
    {
        using var stream = new MemoryStream(file);
        return ByteLevelBpeTokenizer.Load(stream);
    }
}
