using Microsoft.ML;

namespace Maha.MLNet.ModelFiles;

/// <summary>What a transformer owns: it can be saved, and be freed while others still use it.</summary>
internal interface ITextModel : IDisposable
{
    /// <summary>Writes the streams of a model file.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    void Save(ModelSaveContext context);

    /// <summary>Writes the weights as safetensors, with tokenizer and description as text pairs.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    void SaveWeights(string path);
}
