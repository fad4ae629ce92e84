using Maha.Layers.Kernels;
using static TorchSharp.torch;

namespace Maha.Layers.Attention;

// B batch, N length, N_s length at scale s, S scales, D width, R rows of all scales

/// <summary>The numbers of rows, chunks and tiles of a batch, and the places of the arrays of a pass in its memory.</summary>
internal sealed class CudaScaleLayout
{
    /// <summary>The tokens of a tile.</summary>
    public const int TileTokens = 32;

    // The most places of a chunk, which a thread walks over in turn.
    private const int MaxChunk = 64;

    private readonly CudaScales _scales;
    private readonly int _pairs;

    /// <summary>Divides the tokens and rows of a batch.</summary>
    public CudaScaleLayout(CudaScales scales)
    {
        _scales = scales;
        _pairs = scales.MaxScales * (scales.MaxScales + 1) / 2;
        var hierarchy = scales.Hierarchy;
        (Batch, Length) = (scales.Batch, hierarchy.Lengths[0]);
        ChunkScales = hierarchy.Cells.Count(cell => cell <= MaxChunk);

        // Whole cells of the scales in a chunk; the cells of the other scales are whole chunks.
        Chunk = (int)hierarchy.Cells[ChunkScales - 1];
        if (ChunkScales == hierarchy.Count)
            Chunk *= MaxChunk / Chunk;
        Chunks = (Length + Shift + Chunk - 1) / Chunk;
        Tiles = (Length + TileTokens - 1) / TileTokens;
        Rows = Batch * hierarchy.Lengths.Sum();
        CoarseRows = Batch * hierarchy.Lengths.Skip(ChunkScales).Sum();
    }

    /// <summary>B.</summary>
    public int Batch { get; }

    /// <summary>N.</summary>
    public int Length { get; }

    /// <summary>The places of a chunk.</summary>
    public int Chunk { get; }

    /// <summary>The chunks per document.</summary>
    public int Chunks { get; }

    /// <summary>The scales whose cells lie in chunks.</summary>
    public int ChunkScales { get; }

    /// <summary>The tiles per document.</summary>
    public int Tiles { get; }

    /// <summary>R.</summary>
    public int Rows { get; }

    /// <summary>The rows of the scales whose cells consist of chunks.</summary>
    public int CoarseRows { get; }

    private int Shift => _scales.Hierarchy.IsCausal ? 1 : 0;

    private int Scales => _scales.Hierarchy.Count;

    /// <summary>Returns the argument of the kernels without addresses and settings.</summary>
    public ScaleCall NewCall()
    {
        var hierarchy = _scales.Hierarchy;
        var call = new ScaleCall
        {
            Batch = Batch,
            Length = Length,
            Scales = Scales,
            AllScales = _scales.NumScales,
            Shift = Shift,
            Chunk = Chunk,
            Chunks = Chunks,
            ChunkScales = ChunkScales,
            UtilityPartCount = (Batch * Chunks) + CoarseRows,
            Tiles = Tiles,
        };
        int row = 0;
        for (int scale = 0; scale < Scales; scale++)
        {
            call.RowStart[scale] = row;
            call.Lengths[scale] = hierarchy.Lengths[scale];
            call.Cells[scale] = checked((int)hierarchy.Cells[scale]);
            row += Batch * hierarchy.Lengths[scale];
        }
        return call;
    }

    /// <summary>Sets the addresses of what a forward pass keeps, and returns the bytes.</summary>
    /// <param name="call">The call.</param>
    /// <param name="settings">The settings of the aggregation.</param>
    /// <param name="keepsState">Whether a backward pass follows.</param>
    /// <param name="address">The address of the memory.</param>
    public long PlaceState(ref ScaleCall call, CudaScaleSettings settings, bool keepsState, nint address)
    {
        var memory = new CudaMemory(address);
        call.Inverses = memory.Take(Rows, settings.UsesGram);
        call.Utilities = memory.Take(Rows, settings.HasUtility);
        call.Gram = memory.Take((long)Batch * _pairs, settings.UsesGram && Shift == 0);
        call.DocumentUtilities = memory.Take((long)Batch * Scales, settings.Rule == ScaleWeightRule.Document);
        bool isToken = settings.Rule == ScaleWeightRule.Token;
        call.Supports = memory.Take(isToken ? (long)Batch * Length : Batch, isToken ? keepsState : settings.Rule == ScaleWeightRule.Document);
        call.Products = memory.Take((long)Rows * Scales, keepsState && settings.UsesGram && Shift == 0);
        return memory.Bytes;
    }

    /// <summary>Sets the addresses of the sums of chunks, and returns the bytes.</summary>
    public long PlaceSums(ref ScaleCall call, nint address)
    {
        var memory = new CudaMemory(address);
        call.Sums = memory.Take((long)Batch * Chunks * (_pairs + _scales.MaxScales), Shift == 0);
        return memory.Bytes;
    }

    /// <summary>Sets the addresses of what a backward pass computes besides the gradients, and returns the bytes.</summary>
    public long PlaceGradients(ref ScaleCall call, CudaScaleSettings settings, nint address)
    {
        var memory = new CudaMemory(address);
        long tokens = (long)Batch * Length * Scales;
        bool isToken = settings.Rule == ScaleWeightRule.Token, isCausal = isToken && Shift == 1;
        call.UtilityGradients = memory.Take(tokens, isToken);
        call.Adjoints = memory.Take(tokens, isCausal);
        call.Alongs = memory.Take(tokens, isCausal);
        call.TileSums = memory.Take((long)Batch * Tiles * Scales * (Scales + 2), settings.Rule != ScaleWeightRule.Equal);
        call.GramGradient = memory.Take((long)Batch * Scales * Scales, settings.UsesGram && Shift == 0 && settings.Game is null);
        call.DocumentUtilityGradients = memory.Take((long)Batch * Scales, isToken || settings.Rule == ScaleWeightRule.Document);
        call.RowUtilityGradients = memory.Take(Rows, settings.UsesGram);
        call.RowAlongs = memory.Take(Rows, settings.UsesGram);
        call.CoarseSums = memory.Take((long)Batch * Chunks * (Scales - ChunkScales) * _scales.Width);
        call.UtilityParts = memory.Take((long)call.UtilityPartCount * _scales.Width, settings.HasUtility);
        return memory.Bytes;
    }

    /// <summary>Returns the Gram matrices of the documents on the processor, [B, S', S'], float64.</summary>
    public Tensor Gram(Tensor state, in ScaleCall call, CudaLauncher launcher)
    {
        long start = (call.Gram - launcher.AddressOf(state)) / sizeof(float);
        using var copy = state.narrow(0, start, (long)Batch * _pairs).cpu();
        float[] pairs = copy.data<float>().ToArray();
        double[] gram = new double[Batch * Scales * Scales];
        for (int i = 0; i < gram.Length; i++)
        {
            int document = i / Scales / Scales, s = i / Scales % Scales, m = i % Scales;
            int low = Math.Min(s, m), high = Math.Max(s, m), pair = (low * ((2 * _scales.MaxScales) - 1 - low) / 2) + high;
            gram[i] = pairs[(document * _pairs) + pair];
        }
        return tensor(gram, [Batch, Scales, Scales]);
    }
}
