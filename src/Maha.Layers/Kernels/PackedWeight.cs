using System.Runtime.CompilerServices;

namespace Maha.Layers.Kernels;

// R rows (tokens), D input width, F output width

/// <summary>A weight matrix [F, D] in the order in which the register tiles read it: panels of 32 output columns, each [D, 32].</summary>
/// <remarks>F must be a multiple of 16.</remarks>
internal readonly unsafe struct PackedWeight
{
    // Inputs per pass: this part of a panel stays in the first-level cache for all tiles of rows.
    private const int DepthPerPass = 256;

    private readonly float* _panels;

    private PackedWeight(float* panels, int depth, int width)
    {
        _panels = panels;
        (Depth, Width) = (depth, width);
    }

    /// <summary>D.</summary>
    public int Depth { get; }

    /// <summary>F.</summary>
    public int Width { get; }

    /// <summary>Packs a weight into memory of depth * width elements.</summary>
    public static PackedWeight Pack(float* weight, int depth, int width, float* memory, int threads)
    {
        int panels = (width + MicroTile.WideColumns - 1) / MicroTile.WideColumns;
        KernelThreads.For(panels, threads, panel =>
        {
            int column = panel * MicroTile.WideColumns, columns = Math.Min(MicroTile.WideColumns, width - column);
            RowTransposition.Copy(weight + ((long)column * depth), depth, columns, depth, 1, memory + ((long)column * depth), columns, columns);
        });
        return new PackedWeight(memory, depth, width);
    }

    /// <summary>Computes output = input W^T + bias (null for none) for at least eight rows. Strides are in elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Multiply(int rows, float* input, nint inputRow, float* bias, float* output, nint outputRow)
    {
        int tiledRows = rows / MicroTile.Rows * MicroTile.Rows;
        for (int pass = 0; pass < Depth; pass += DepthPerPass)
        {
            int count = Math.Min(DepthPerPass, Depth - pass);
            for (int column = 0; column < Width; column += MicroTile.WideColumns)
            {
                for (int row = 0; row < tiledRows; row += MicroTile.Rows)
                    Tile(input + (row * inputRow), inputRow, bias, output + (row * outputRow), outputRow, column, pass, count);
            }
        }

        // The last rows are computed as a tile that overlaps the one before: the same sums in the same order once more.
        for (int column = 0; column < Width && tiledRows < rows; column += MicroTile.WideColumns)
            Tile(input + ((rows - MicroTile.Rows) * inputRow), inputRow, bias, output + ((rows - MicroTile.Rows) * outputRow), outputRow, column, 0, Depth);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Tile(float* input, nint inputRow, float* bias, float* output, nint outputRow, int column, int pass, int count)
    {
        int columns = Math.Min(MicroTile.WideColumns, Width - column);
        float* panel = _panels + ((long)column * Depth) + ((long)pass * columns);
        if (pass == 0 && bias != null)
        {
            for (int i = 0; i < MicroTile.Rows; i++)
                new ReadOnlySpan<float>(bias + column, columns).CopyTo(new Span<float>(output + column + (i * outputRow), columns));
        }

        MicroTile.Row(input + pass, inputRow, 1, panel, columns, count, output + column, outputRow, columns, pass > 0 || bias != null);
    }
}
