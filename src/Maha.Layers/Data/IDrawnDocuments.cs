namespace Maha.Layers.Data;

/// <summary>Documents of which a batch reads a random part. <see cref="ITokenizedDocuments.LengthOf"/> is the most that it reads.</summary>
internal interface IDrawnDocuments : ITokenizedDocuments
{
    /// <summary>Returns the token ids that a batch reads.</summary>
    /// <param name="index">The document.</param>
    /// <param name="seed">The seed of the draw: equal seeds give equal parts.</param>
    int[] Draw(int index, long seed);
}
