using Maha.Layers.Weights;
using Microsoft.ML;
using static TorchSharp.torch;

namespace Maha.MLNet.Tests;

/// <summary>Programs that set another default type of torch, for models of their own, have the same models of Maha.</summary>
[Collection(AloneCollection.Name)]
public sealed class DefaultTypeTests : IDisposable
{
    private readonly MLContext _mlContext = new(1);
    private readonly SmallModels _models = new();
    private readonly ScalarType _before = get_default_dtype();

    public static TheoryData<string, ScalarType> Cases
    {
        get
        {
            var cases = new TheoryData<string, ScalarType>();
            foreach (string kind in SmallModels.Kinds)
            {
                foreach (var type in new[] { ScalarType.Float64, ScalarType.BFloat16, ScalarType.Float16 })
                    cases.Add(kind, type);
            }
            return cases;
        }
    }

    public void Dispose()
    {
        set_default_dtype(_before);
        _models.Dispose();
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Models_AreLoadedAndTrained_InFloat32(string kind, ScalarType type)
    {
        string zip = Path.Combine(_models.Folder, "model.zip"), weights = Path.Combine(_models.Folder, "model.weights");
        var data = _models.DataOf(kind);
        List<string> expected;
        using (var model = _models.Fit(kind, data))
        {
            expected = Rows.Of(model.Transform(data));
            _mlContext.Model.Save(model, data.Schema, zip);
            set_default_dtype(type);
            Assert.Equal(expected, Rows.Of(model.Transform(data)));
        }
        using (var loaded = (MahaTransformer)_mlContext.Model.Load(zip, out _))
            Assert.Equal(expected, Rows.Of(loaded.Transform(data)));
        bool canStart = kind is not ("binary" or "several labels" or "language model");
        foreach (string? start in canStart ? new[] { null, zip } : [null])
        {
            using var fitted = _models.Fit(kind, data, start);
            Assert.DoesNotContain("NaN", string.Concat(Rows.Of(fitted.Transform(data))), StringComparison.Ordinal);
            fitted.SaveWeights(weights);
            using var reader = SafetensorsReader.Open(weights);
            Assert.All(reader.Names, name => Assert.Equal(ScalarType.Float32, reader.Read(name).dtype));
        }
        Assert.Equal(type, get_default_dtype());
    }
}
