namespace Maha.Layers.Attention;

// H heads, D width, n nodes above the tokens

/// <summary>Divides one piece of device memory into the arrays of a pass, so that a pass allocates once.</summary>
internal ref struct TreeMemory
{
    // Vectors of 16 bytes are read from every array.
    private const int Alignment = 16;

    private readonly ref TreeCall _call;
    private readonly long _width;
    private nint _next;

    private TreeMemory(ref TreeCall call, long width, nint address)
    {
        _call = ref call;
        _width = width;
        _next = address;
    }

    /// <summary>Sets the addresses of what the forward pass computes besides its output, and returns the bytes.</summary>
    /// <param name="call">The call, with the numbers of the forest and of the heads.</param>
    /// <param name="width">D.</param>
    /// <param name="elementSize">The bytes of an operand's element.</param>
    /// <param name="address">The address of the memory.</param>
    public static long PlaceState(ref TreeCall call, long width, long elementSize, nint address)
    {
        var memory = new TreeMemory(ref call, width, address);
        memory.PlaceState(elementSize);
        return memory._next - address;
    }

    /// <summary>Sets the addresses of what the backward pass computes besides the gradients, and returns the bytes.</summary>
    /// <inheritdoc cref="PlaceState(ref TreeCall, long, long, nint)"/>
    public static long PlaceGradients(ref TreeCall call, long width, nint address)
    {
        var memory = new TreeMemory(ref call, width, address);
        memory.PlaceGradients();
        return memory._next - address;
    }

    private readonly bool IsOptimal => _call.Form == (int)HierarchicalForm.Optimal;

    private readonly bool IsDeep => _call.NodeCount > _call.LeafNodeCount;

    private void PlaceState(long elementSize)
    {
        _call.LogSums = PerHead(_call.Rows);
        if (IsOptimal)
            _call.TileLogSums = PerHead(_call.TileCount);
        if (!IsDeep)
            return;
        long nodeSize = IsOptimal ? sizeof(float) : elementSize;
        _call.NodeKey = PerNode(nodeSize);
        _call.NodeValue = PerNode(nodeSize);
        if (!IsOptimal)
            return;
        _call.NodeQuery = PerNode(nodeSize);
        _call.NodeMixed = PerNode(nodeSize);
        _call.SiblingLogSums = PerHead(_call.NodeCount);
        _call.Energy = PerHead(_call.NodeCount);
        _call.Inside = PerHead(_call.NodeCount);
        _call.Outside = PerHead(_call.NodeCount);
        _call.Mass = PerHead(_call.NodeCount);
        _call.Factor = PerHead(_call.NodeCount);
    }

    private void PlaceGradients()
    {
        _call.RowDots = PerHead(_call.Rows);
        if (IsOptimal)
            _call.TileDots = PerHead(_call.TileCount);
        if (!IsDeep)
            return;
        _call.NodeKeyGradient = PerNode(sizeof(float));
        _call.NodeValueGradient = PerNode(sizeof(float));
        if (!IsOptimal)
        {
            _call.Partials = Take(2L * ForestTables.TileSize * _call.TaskCount * _width * sizeof(float));
            return;
        }
        _call.NodeQueryGradient = PerNode(sizeof(float));
        _call.NodeGradient = PerNode(sizeof(float));
        _call.NodeDots = PerHead(_call.NodeCount);
        _call.MassGradient = PerHead(_call.NodeCount);
        _call.Shift = PerHead(_call.NodeCount);
        _call.EnergyGradient = PerHead(_call.NodeCount);
    }

    private nint PerNode(long elementSize) => Take(_call.NodeCount * _width * elementSize);

    private nint PerHead(long count) => Take(_call.Heads * count * sizeof(float));

    private nint Take(long bytes)
    {
        nint start = _next;
        _next += (nint)((bytes + Alignment - 1) / Alignment * Alignment);
        return start;
    }
}
