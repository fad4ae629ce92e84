using Maha.Layers.Core;
using Maha.Layers.Kernels;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Maha.Layers.Attention;

// B batch, R rows (problems) per document, S scales

/// <summary>
/// The differentiable call of <see cref="SimplexProgram"/>. Arguments: linear terms [B, R, S] and Gram matrices [B, S, S], both float64, a
/// <see cref="SimplexBatch"/>.
/// </summary>
/// <remarks>
/// On the CPU rows are solved one by one; on another device all rows are solved together by <see cref="SimplexTable"/>, where it can solve the batch.
/// </remarks>
internal sealed unsafe class SimplexFunction : SingleOutputFunction<SimplexFunction>
{
    private const string BatchKey = "batch";
    private const string TableKey = "table";

    // The number of problems per piece of work. A piece factors its supports once.
    private const int RowsPerPiece = 1024;

    /// <summary>Computes the weights [B, R, S], float64. Rows past a document's count are 0. Residuals and steps are written to the batch.</summary>
    public static Tensor Apply(Tensor linear, Tensor gram, SimplexBatch batch) => CallSingle(linear, gram, batch);

    /// <inheritdoc/>
    protected override Tensor ForwardSingle(AutogradContext ctx, object[] arguments)
    {
        var (linear, gram, batch) = ((Tensor)arguments[0], (Tensor)arguments[1], (SimplexBatch)arguments[2]);
        if (linear.device_type != DeviceType.CPU && SimplexTable.CanSolve(linear, batch))
        {
            using var table = new SimplexTable(gram, batch);
            var (solution, projections) = table.Solve(linear);
            ctx.save_for_backward([solution.detach(), projections]);
            ctx.save_data(BatchKey, batch);
            ctx.save_data(TableKey, true);
            return solution;
        }
        using var terms = linear.cpu().contiguous();
        using var matrices = gram.cpu().contiguous();
        var weights = zeros_like(terms);
        int documents = (int)terms.shape[0], rows = (int)terms.shape[1], scales = (int)terms.shape[2], pieces = (rows + RowsPerPiece - 1) / RowsPerPiece;
        double* from = TensorMemory.Pointer<double>(terms), matrix = TensorMemory.Pointer<double>(matrices), to = TensorMemory.Pointer<double>(weights);
        double[] residuals = new double[documents * pieces];
        int[] steps = new int[documents * pieces];
        KernelThreads.For(documents * pieces, get_num_threads(), piece =>
        {
            int document = piece / pieces, start = piece % pieces * RowsPerPiece, end = Math.Min(start + RowsPerPiece, batch.Rows[document]);
            if (start >= end)
                return;
            var g = new ReadOnlySpan<double>(matrix + ((long)document * scales * scales), scales * scales);
            var program = new SimplexProgram(g, batch.Rho, scales, batch.Available[document]);
            for (int row = start; row < end; row++)
            {
                long offset = (((long)document * rows) + row) * scales;
                var (residual, tried) = program.Solve(new ReadOnlySpan<double>(from + offset, scales), new Span<double>(to + offset, scales));
                residuals[piece] = residual <= residuals[piece] ? residuals[piece] : residual;
                steps[piece] = Math.Max(steps[piece], tried);
            }
        });
        batch.Report(residuals, steps, pieces);
        var result = weights.to(linear.device);
        ctx.save_for_backward([result.detach(), gram]);
        ctx.save_data(BatchKey, batch);
        ctx.save_data(TableKey, false);
        return result;
    }

    /// <inheritdoc/>
    protected override IReadOnlyList<Tensor?> BackwardSingle(AutogradContext ctx, Tensor gradient)
    {
        var saved = ctx.get_saved_variables();
        var batch = (SimplexBatch)ctx.get_data(BatchKey);
        if ((bool)ctx.get_data(TableKey))
        {
            var (byLinear, byGram) = SimplexTable.Backward(saved[0], saved[1], gradient, batch.Rho);
            return [byLinear, byGram, null];
        }
        var weights = saved[0].cpu().contiguous();
        var gram = saved[1].cpu().contiguous();
        var incomingGradient = gradient.cpu().contiguous();
        var linearGradient = zeros_like(weights);
        int documents = (int)weights.shape[0], rows = (int)weights.shape[1], scales = (int)weights.shape[2];
        int pieces = (rows + RowsPerPiece - 1) / RowsPerPiece;
        var partial = zeros([documents, pieces, scales, scales], ScalarType.Float64);
        double* solution = TensorMemory.Pointer<double>(weights), matrix = TensorMemory.Pointer<double>(gram);
        double* incoming = TensorMemory.Pointer<double>(incomingGradient);
        double* toLinear = TensorMemory.Pointer<double>(linearGradient), toGram = TensorMemory.Pointer<double>(partial);
        KernelThreads.For(documents * pieces, get_num_threads(), piece =>
        {
            int document = piece / pieces, start = piece % pieces * RowsPerPiece, end = Math.Min(start + RowsPerPiece, batch.Rows[document]);
            if (start >= end)
                return;
            var g = new ReadOnlySpan<double>(matrix + ((long)document * scales * scales), scales * scales);
            var program = new SimplexProgram(g, batch.Rho, scales, batch.Available[document]);
            double* sum = toGram + ((long)piece * scales * scales);
            for (int row = start; row < end; row++)
            {
                long offset = (((long)document * rows) + row) * scales;
                program.Backward(
                    new ReadOnlySpan<double>(solution + offset, scales), new ReadOnlySpan<double>(incoming + offset, scales),
                    new Span<double>(toLinear + offset, scales));

                // d a = -P dM a with dM = rho dG.
                for (int s = 0; s < scales; s++)
                {
                    for (int m = 0; m < scales; m++)
                        sum[(s * scales) + m] -= batch.Rho * toLinear[offset + s] * solution[offset + m];
                }
            }
        });
        return [linearGradient.to(gradient.device), partial.sum([1]).to(saved[1].device), null];
    }
}
