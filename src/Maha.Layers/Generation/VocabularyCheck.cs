using Maha.Layers.Models;
using Maha.Layers.Text;

namespace Maha.Layers.Generation;

/// <summary>Checks that a tokenizer and a language model belong together.</summary>
internal static class VocabularyCheck
{
    /// <summary>Checks that a tokenizer has as many ids as the vocabulary of a model.</summary>
    /// <exception cref="ArgumentException">The numbers differ.</exception>
    public static void RequireSameSize(MahaLanguageModel model, ByteLevelBpeTokenizer tokenizer)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        int vocabSize = model.Encoder.Options.VocabSize;
        if (vocabSize != tokenizer.VocabSize)
        {
            throw new ArgumentException(
                $"The tokenizer must have the vocabulary of the model, but they have {tokenizer.VocabSize} and {vocabSize} ids. " +
                "Use the tokenizer that the model was trained with.", nameof(tokenizer));
        }
    }
}
