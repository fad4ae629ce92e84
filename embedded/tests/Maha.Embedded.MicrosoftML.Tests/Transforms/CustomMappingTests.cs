using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Maha.Embedded.MicrosoftML.Tests.Transforms;

public sealed class CustomMappingTests
{
    private readonly MLContext _context = new(1);

    internal sealed class Row
    {
        public float A { get; set; }
        public float B { get; set; }
    }

    internal sealed class Total
    {
        public float Sum { get; set; }
        public string? Text { get; set; }
    }

    [CustomMappingFactoryAttribute("sum of two")]
    internal sealed class SumFactory : CustomMappingFactory<Row, Total>
    {
        public override Action<Row, Total> GetMapping() => (row, total) => (total.Sum, total.Text) = (row.A + row.B, $"{row.A}+{row.B}");
    }

    private IDataView Data() => _context.Data.LoadFromEnumerable(new Row[] { new() { A = 1, B = 2 }, new() { A = 3, B = 4 } });

    [Fact]
    public void Mapping_RunsOnceARow()
    {
        int calls = 0;
        IDataView result = _context.Transforms.CustomMapping<Row, Total>((row, total) =>
        {
            calls++;
            total.Sum = row.A * row.B;
            total.Text = "x";
        }, null).Fit(Data()).Transform(Data());

        Assert.Equal(["A", "B", "Sum", "Text"], result.Schema.Select(c => c.Name));
        Assert.Equal([2, 12], _context.Data.CreateEnumerable<Total>(result, false).Select(t => t.Sum));
        Assert.Equal(2, calls);
    }

    [Fact]
    public void ContractName_FindsTheMappingAgain()
    {
        ITransformer model = _context.Transforms.CustomMapping(new SumFactory().GetMapping(), "sum of two").Fit(Data());
        using var file = new MemoryStream();
        _context.Model.Save(model, Data().Schema, file);

        foreach (bool register in new[] { true, false })
        {
            var fresh = new MLContext();
            if (register)
                fresh.ComponentCatalog.RegisterAssembly(typeof(SumFactory).Assembly);
            file.Position = 0;
            IDataView result = fresh.Model.Load(file, out _).Transform(Data());
            Assert.Equal([3, 7], result.GetColumn<float>("Sum"));
            Assert.Equal(["1+2", "3+4"], result.GetColumn<string>("Text"));
        }
    }

    [Fact]
    public void WithoutContractName_TheModelCannotBeSaved()
    {
        ITransformer model = _context.Transforms.CustomMapping(new SumFactory().GetMapping(), null).Fit(Data());
        Assert.Throws<InvalidOperationException>(() => _context.Model.Save(model, Data().Schema, new MemoryStream()));
    }

    [Fact]
    public void UnknownContract_IsNamed()
    {
        ITransformer model = _context.Transforms.CustomMapping(new SumFactory().GetMapping(), "nobody's").Fit(Data());
        using var file = new MemoryStream();
        _context.Model.Save(model, Data().Schema, file);
        file.Position = 0;

        Exception error = Assert.ThrowsAny<Exception>(() => new MLContext().Model.Load(file, out _));
        Assert.Contains("nobody's", error.ToString());
    }
}
