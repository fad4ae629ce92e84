namespace Maha.Layers.Text;

/// <summary>A model that scores a document by its n-grams. It does not use copies of the document among the training texts.</summary>
internal abstract class NGramScorer
{
    /// <summary>C, the number of classes.</summary>
    public abstract int NumClasses { get; }

    /// <summary>Computes the logits of a document, [C].</summary>
    public abstract double[] Logits(NGramVocabulary vocabulary, IndexedText text);

    /// <summary>Divides a combination of the logits of a document, v z, among its tokens.</summary>
    /// <param name="vocabulary">The n-grams.</param>
    /// <param name="text">The document.</param>
    /// <param name="direction">v, [C].</param>
    /// <returns>The share of each token. The shares sum to v z less v z of a document without tokens.</returns>
    public abstract double[] Attribute(NGramVocabulary vocabulary, IndexedText text, double[] direction);
}
