using Microsoft.ML;

namespace Maha.MLNet.ModelFiles;

/// <summary>The model that a transformer owns. It can be saved, and disposed while other threads still use it.</summary>
internal interface ITextModel : IDisposable
{
    /// <summary>Writes the streams of a model file.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    void Save(ModelSaveContext context);

    /// <summary>Writes the weights as a safetensors file, with tokenizer and manifest in its metadata.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    void SaveWeights(string path);
}
