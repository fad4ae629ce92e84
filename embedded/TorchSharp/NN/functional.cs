namespace TorchSharp;

public enum PaddingModes
{
    Zeros = 0, Reflect = 1, Replicate = 2, Circular = 3, Constant = 4,
}

public static partial class torch
{
    public static partial class nn
    {
        public enum Reduction : long
        {
            None = 0, Mean = 1, Sum = 2,
        }

        public static partial class functional
        {
            private static readonly Op s_linear = "linear(input,weight,bias)";
            public static Tensor linear(Tensor input, Tensor weights, Tensor bias = null) => s_linear.T(input, weights, bias);

            private static readonly Op s_conv1d = "conv1d(input,weight,bias,stride,padding,dilation,groups)";
            public static Tensor conv1d(Tensor input, Tensor weight, Tensor bias = null, long? stride = null, long? padding = null, long? dilation = null, long groups = 1) =>
                s_conv1d.T(input, weight, bias, stride ?? 1, padding ?? 0, dilation ?? 1, groups);

            private static readonly Op s_layerNorm = "layer_norm(input,normalized_shape,weight,bias,eps)";
            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor weight = null, Tensor bias = null, double eps = 1E-05d) =>
                s_layerNorm.T(input, normalized_shape, weight, bias, eps);

            private static readonly Op s_dropout = "dropout(input,p,train)";
            private static readonly Op s_dropout_ = "dropout_(self,p,train)";
            public static Tensor dropout(Tensor input, double p = 0.5d, bool training = true, bool inplace = false)
            {
                if (!inplace) return s_dropout.T(input, p, training);
                s_dropout_.Run(input, p, training);
                return input.alias();
            }

            public static Tensor gelu(Tensor x) => x.gelu();
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? x.relu_().alias() : x.relu();
            public static Tensor sigmoid(Tensor x) => x.sigmoid();
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? x.tanh_().alias() : x.tanh();
            public static Tensor silu(Tensor x, bool inplace = false)
            {
                if (!inplace) return x.silu();
                s_silu_.Run(x);
                return x.alias();
            }
            private static readonly Op s_silu_ = "silu_(self)";

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);

            private static readonly Op s_softplus = "softplus(self,beta,threshold)";
            public static Tensor softplus(Tensor x, double beta = 1d, double threshold = 20d) => s_softplus.T(x, beta, threshold);

            private static readonly Op s_crossEntropy = "cross_entropy_loss(self,target,weight,reduction,ignore_index,label_smoothing)";
            public static Tensor cross_entropy(Tensor input, Tensor target, Tensor weight = null, long ignore_index = -100, Reduction reduction = Reduction.Mean, double label_smoothing = 0d) =>
                s_crossEntropy.T(input, target, weight, (long)reduction, ignore_index, label_smoothing);

            private static readonly Op s_bceLogits = "binary_cross_entropy_with_logits(self,target,weight,pos_weight,reduction)";
            public static Tensor binary_cross_entropy_with_logits(Tensor input, Tensor target, Tensor weight = null, Reduction reduction = Reduction.Mean, Tensor pos_weights = null) =>
                s_bceLogits.T(input, target, weight, pos_weights, (long)reduction);

            private static readonly Op s_mse = "mse_loss(self,target,reduction)";
            public static Tensor mse_loss(Tensor input, Tensor target, Reduction reduction = Reduction.Mean) => s_mse.T(input, target, (long)reduction);

            private static readonly Op s_pad = "constant_pad_nd(self,pad,value)";
            private static readonly Op s_padMode = "pad(self,pad,mode)";
            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0d) => mode switch
            {
                PaddingModes.Constant => s_pad.T(input, pad, value),
                PaddingModes.Zeros => s_pad.T(input, pad, 0),
                PaddingModes.Reflect => s_padMode.T(input, pad, "reflect"),
                PaddingModes.Replicate => s_padMode.T(input, pad, "replicate"),
                PaddingModes.Circular => s_padMode.T(input, pad, "circular"),
                _ => throw new ArgumentException($"Unknown padding mode {mode}."),
            };
            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0d) =>
                functional.pad(input, [pad.Item1, pad.Item2], mode, value);
            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0d) =>
                functional.pad(input, pad.ToArray(), mode, value);

            private static readonly Op s_maxPool1d = "max_pool1d(self,kernel_size,stride,padding,dilation,ceil_mode)";
            public static Tensor max_pool1d(Tensor input, long kernelSize, long? stride = null, long? padding = null, long? dilation = null, bool ceil_mode = false) =>
                s_maxPool1d.T(input, kernelSize, stride ?? kernelSize, padding ?? 0, dilation ?? 1, ceil_mode);

            private static readonly Op s_adaptiveMaxPool1d = "adaptive_max_pool1d(self,output_size)";
            public static Tensor adaptive_max_pool1d(Tensor x, long outputSize)
            {
                var (values, indices) = s_adaptiveMaxPool1d.T2(x, outputSize);
                indices.Dispose();
                return values;
            }

            private static readonly Op s_avgPool1d = "avg_pool1d(self,kernel_size,stride,padding,ceil_mode,count_include_pad)";
            public static Tensor avg_pool1d(Tensor input, long kernel_size, long? stride = null, long? padding = null, bool ceil_mode = false, bool count_include_pad = true) =>
                s_avgPool1d.T(input, kernel_size, stride ?? kernel_size, padding ?? 0, ceil_mode, count_include_pad);

            private static readonly Op s_oneHot = "one_hot(self,num_classes)";
            public static Tensor one_hot(Tensor x, long num_classes = -1) => s_oneHot.T(x, num_classes);

            private static readonly Op s_attention = "scaled_dot_product_attention(query,key,value,attn_mask,dropout_p,is_causal)";
            private static readonly Op s_attention113 = "_scaled_dot_product_attention(query,key,value,attn_mask,dropout_p,need_attn_weights,is_causal)";
            private static readonly bool s_hasAttention = !Native.TorchVersion.StartsWith("1.", StringComparison.Ordinal);
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor attn_mask = null, double p = 0d, bool is_casual = false)
            {
                if (s_hasAttention) return s_attention.T(query, key, value, attn_mask, p, is_casual);
                var (output, weights) = s_attention113.T2(query, key, value, attn_mask, p, false, is_casual);
                weights?.Dispose();
                return output;
            }
        }
    }
}
