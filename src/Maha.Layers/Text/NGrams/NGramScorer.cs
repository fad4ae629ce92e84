namespace Maha.Layers.Text;

/// <summary>A model that scores a document by its n-grams. It does not use copies of the document among the training texts.</summary>
internal abstract class NGramScorer
{
    /// <summary>C, the number of classes.</summary>
    public abstract int NumClasses { get; }

    /// <summary>Computes the logits of a document, [C].</summary>
    public abstract double[] Logits(NGramVocabulary vocabulary, IndexedText text);
}
