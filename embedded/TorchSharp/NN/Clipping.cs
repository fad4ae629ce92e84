using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            /// <summary>Scales the gradients so that the norm of all of them together is at most max_norm; returns the norm before.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using var scope = NewDisposeScope();
                using var guard = no_grad();
                return Foreach.WithGradients(tensors, gradients =>
                {
                    double norm = TotalNorm(gradients, norm_type);
                    double factor = max_norm / (norm + 1e-6);
                    // A norm that is not a number makes the gradients so too, as libtorch does: the caller sees it in the result.
                    if (gradients.Length > 0 && !(factor >= 1)) Foreach.Multiply(gradients, factor);
                    return norm;
                });
            }

            private static readonly Op s_norm = "linalg_vector_norm(self,ord)";

            private static double TotalNorm(ReadOnlySpan<long> gradients, double order)
            {
                if (order == 0 || gradients.Length == 0) return gradients.Length;
                var norms = Foreach.Norm(gradients, order);
                return (norms.Length == 1 ? norms[0] : s_norm.T(torch.stack(norms), order)).ToDouble();
            }

            /// <summary>The parameters' elements, one after the other.</summary>
            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                return torch.cat(tensors.Select(p => p.reshape(-1)).ToList()).MoveToOuterDisposeScope();
            }
        }
    }
}
