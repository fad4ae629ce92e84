using System.Globalization;
using System.Runtime.InteropServices;
using global::Onnx;
using Google.Protobuf;
using static TorchSharp.torch;
using AttributeType = global::Onnx.AttributeProto.Types.AttributeType;
using DataType = global::Onnx.TensorProto.Types.DataType;

namespace Maha.Onnx.Graph;

/// <summary>Builds an ONNX graph. <see cref="OnnxValue"/> has the operators.</summary>
/// <remarks>
/// Constants and weights are initializers of the outermost graph, which the bodies of loops can read. A constant that is used several times is stored once.
/// </remarks>
internal sealed class OnnxBuilder
{
    /// <summary>The version of the ONNX operators.</summary>
    public const int Opset = 18;

    /// <summary>The version of the ONNX file format: that of the first ONNX release with <see cref="Opset"/>.</summary>
    public const int IrVersion = 8;

    // A protocol buffer has less than 2 GB.
    private const long MaxWeightBytes = 2_000_000_000;

    private readonly GraphProto _root = new() { Name = "maha" };
    private readonly Dictionary<string, OnnxValue> _constants = [];
    private readonly Dictionary<string, OnnxValue> _weights = [];
    private GraphProto _current;
    private int _numValues;
    private long _weightBytes;

    /// <summary>Creates an empty graph.</summary>
    public OnnxBuilder() => _current = _root;

    /// <summary>Adds an input.</summary>
    /// <param name="name">The name.</param>
    /// <param name="type">The type of the elements.</param>
    /// <param name="shape">The size of each dimension as a number, or its name where it varies.</param>
    public OnnxValue Input(string name, DataType type, params IEnumerable<string> shape)
    {
        _root.Input.Add(Describe(name, type, shape));
        return new OnnxValue(this, name, type);
    }

    /// <summary>Makes a value an output.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">The name.</param>
    /// <param name="shape">As for <see cref="Input"/>.</param>
    public void Output(OnnxValue value, string name, params IEnumerable<string> shape)
    {
        _root.Node.Add(new NodeProto { OpType = "Identity", Name = name, Input = { value.Name }, Output = { name } });
        _root.Output.Add(Describe(name, value.Type, shape));
    }

    /// <summary>Adds a tensor of weights in float32. A name that was added before gives the same value.</summary>
    /// <exception cref="NotSupportedException">The weights do not fit into one ONNX file.</exception>
    public OnnxValue Weight(string name, Tensor tensor)
    {
        if (_weights.TryGetValue(name, out var known))
            return known;
        using var scope = NewDisposeScope();
        float[] values = tensor.detach().to(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
        _weightBytes += 4L * values.Length;
        if (_weightBytes > MaxWeightBytes)
        {
            throw new NotSupportedException(
                $"The weights of an exported model must take at most {MaxWeightBytes} bytes in float32, the most that one ONNX file holds, but take more. " +
                "Export a smaller model.");
        }
        return _weights[name] = Initializer(name, DataType.Float, MemoryMarshal.AsBytes(values.AsSpan()), tensor.shape);
    }

    /// <summary>Adds a constant tensor.</summary>
    /// <param name="type">Float, Double, Int64 or Bool.</param>
    /// <param name="values">The elements.</param>
    /// <param name="shape">The shape; empty for a scalar.</param>
    public OnnxValue Constant(DataType type, ReadOnlySpan<double> values, params ReadOnlySpan<long> shape)
    {
        string numbers = string.Join(' ', values.ToArray().Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
        string key = $"{type} [{string.Join(',', shape.ToArray())}] {numbers}";
        if (_constants.TryGetValue(key, out var known))
            return known;
        byte[] bytes = type switch
        {
            DataType.Float => Bytes<float>(Array.ConvertAll(values.ToArray(), value => (float)value)),
            DataType.Double => Bytes<double>(values),
            DataType.Int64 => Bytes<long>(Array.ConvertAll(values.ToArray(), value => checked((long)value))),
            DataType.Bool => Array.ConvertAll(values.ToArray(), value => value == 0 ? (byte)0 : (byte)1),
            _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Constants are Float, Double, Int64 or Bool."),
        };
        return _constants[key] = Initializer(NextName("constant"), type, bytes, shape);

        static byte[] Bytes<T>(ReadOnlySpan<T> numbers) where T : struct => MemoryMarshal.AsBytes(numbers).ToArray();
    }

    /// <summary>Adds an integer of any 64 bits as a scalar.</summary>
    public OnnxValue Integer(long value) => Initializer(NextName("constant"), DataType.Int64, MemoryMarshal.AsBytes<long>(new[] { value }), []);

    /// <summary>Adds a constant vector of Int64.</summary>
    public OnnxValue Integers(params ReadOnlySpan<long> values) =>
        Constant(DataType.Int64, Array.ConvertAll(values.ToArray(), value => (double)value), values.Length);

    /// <summary>Adds a node with one output.</summary>
    /// <param name="operation">The ONNX operator.</param>
    /// <param name="type">The type of the output's elements.</param>
    /// <param name="inputs">The inputs; null for an optional one that is left out.</param>
    /// <param name="attributes">The attributes: integers, floating-point numbers, arrays of integers.</param>
    public OnnxValue Node(string operation, DataType type, OnnxValue?[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new NodeProto { OpType = operation, Name = NextName(operation) };
        node.Input.AddRange(inputs.Select(input => input?.Name ?? ""));
        node.Attribute.AddRange(attributes.Select(attribute => Attribute(attribute.Name, attribute.Value)));
        node.Output.Add(node.Name + ".out");
        _current.Node.Add(node);
        return new OnnxValue(this, node.Output[0], type);
    }

    /// <summary>Applies a body to every row of tensors, one row after the other.</summary>
    /// <param name="rows">Tensors of the same first dimension.</param>
    /// <param name="body">Computes the results of a row. It may read values from outside.</param>
    /// <returns>The results of all rows, stacked along a new first dimension.</returns>
    public OnnxValue[] Scan(OnnxValue[] rows, Func<OnnxValue[], OnnxValue[]> body)
    {
        var outer = _current;
        var inner = _current = new GraphProto { Name = NextName("body") };
        OnnxValue[] row = [.. rows.Select(value => new OnnxValue(this, NextName("row"), value.Type))];
        inner.Input.AddRange(row.Select(value => Describe(value.Name, value.Type, null)));
        OnnxValue[] results = [.. body(row).Select(Named)];
        inner.Output.AddRange(results.Select(value => Describe(value.Name, value.Type, null)));
        _current = outer;
        var node = new NodeProto { OpType = "Scan", Name = NextName("Scan") };
        node.Input.AddRange(rows.Select(value => value.Name));
        node.Attribute.Add(Attribute("num_scan_inputs", (long)rows.Length));
        return Add(node, inner, results);
    }

    /// <summary>Repeats a body while a condition holds.</summary>
    /// <param name="maxIterations">The most repetitions.</param>
    /// <param name="state">The values before the first repetition.</param>
    /// <param name="body">Computes the condition, a scalar of Bool, and the next values.</param>
    /// <returns>The values after the last repetition.</returns>
    public OnnxValue[] Loop(long maxIterations, OnnxValue[] state, Func<OnnxValue[], (OnnxValue Continue, OnnxValue[] State)> body)
    {
        var outer = _current;
        var inner = _current = new GraphProto { Name = NextName("body") };
        OnnxValue[] before = [.. state.Select(value => new OnnxValue(this, NextName("state"), value.Type))];
        inner.Input.Add(Describe(NextName("iteration"), DataType.Int64, []));
        inner.Input.Add(Describe(NextName("condition"), DataType.Bool, []));
        inner.Input.AddRange(before.Select(value => Describe(value.Name, value.Type, null)));
        var (condition, next) = body(before);
        OnnxValue[] results = [Named(condition), .. next.Select(Named)];
        inner.Output.AddRange(results.Select(value => Describe(value.Name, value.Type, null)));
        _current = outer;
        var node = new NodeProto { OpType = "Loop", Name = NextName("Loop") };
        node.Input.AddRange([Integer(maxIterations).Name, Constant(DataType.Bool, [1]).Name, .. state.Select(value => value.Name)]);
        return Add(node, inner, next);
    }

    /// <summary>Completes the model.</summary>
    /// <param name="metadata">Names and values that the file holds.</param>
    public ModelProto Build(IEnumerable<KeyValuePair<string, string>> metadata)
    {
        var model = new ModelProto { IrVersion = IrVersion, ProducerName = "Maha", Graph = _root };
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = Opset });
        model.MetadataProps.AddRange(metadata.Select(pair => new StringStringEntryProto { Key = pair.Key, Value = pair.Value }));
        return model;
    }

    // An output of a body must be computed in the body.
    private OnnxValue Named(OnnxValue value) => Node("Identity", value.Type, [value]);

    private OnnxValue[] Add(NodeProto node, GraphProto body, OnnxValue[] results)
    {
        node.Attribute.Add(new AttributeProto { Name = "body", Type = AttributeType.Graph, G = body });
        OnnxValue[] outputs = [.. results.Select((result, i) => new OnnxValue(this, $"{node.Name}.out{i}", result.Type))];
        node.Output.AddRange(outputs.Select(output => output.Name));
        _current.Node.Add(node);
        return outputs;
    }

    private OnnxValue Initializer(string name, DataType type, ReadOnlySpan<byte> bytes, ReadOnlySpan<long> shape)
    {
        var tensor = new TensorProto { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        tensor.Dims.AddRange(shape.ToArray());
        _root.Initializer.Add(tensor);
        return new OnnxValue(this, name, type);
    }

    private string NextName(string operation) => $"{operation}_{_numValues++}";

    private static AttributeProto Attribute(string name, object value)
    {
        var attribute = new AttributeProto { Name = name };
        switch (value)
        {
            case long number:
                (attribute.Type, attribute.I) = (AttributeType.Int, number);
                break;
            case double number:
                (attribute.Type, attribute.F) = (AttributeType.Float, (float)number);
                break;
            case string text:
                (attribute.Type, attribute.S) = (AttributeType.String, ByteString.CopyFromUtf8(text));
                break;
            case long[] numbers:
                attribute.Type = AttributeType.Ints;
                attribute.Ints.AddRange(numbers);
                break;
            default:
                throw new ArgumentException(
                    $"An attribute must be a long, a double, a string or an array of long, but is {value.GetType().Name}.", nameof(value));
        }
        return attribute;
    }

    // Without a shape for values of a body, whose shapes are inferred.
    private static ValueInfoProto Describe(string name, DataType type, IEnumerable<string>? shape)
    {
        var tensor = new TypeProto.Types.Tensor { ElemType = (int)type };
        if (shape is not null)
        {
            tensor.Shape = new TensorShapeProto();
            tensor.Shape.Dim.AddRange(shape.Select(size => long.TryParse(size, CultureInfo.InvariantCulture, out long number)
                ? new TensorShapeProto.Types.Dimension { DimValue = number }
                : new TensorShapeProto.Types.Dimension { DimParam = size }));
        }
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }
}
