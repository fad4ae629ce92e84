using static TorchSharp.torch;

namespace TorchSharp
{
    public enum Padding
    {
        Valid = 0,
        Same = 1,
    }
}

namespace TorchSharp.Modules
{
    public abstract class Convolution : nn.Module<Tensor, Tensor>
    {
        protected long input_channels;

        private protected Convolution(string name, long input_channels) : base(name) => this.input_channels = input_channels;

        protected bool ValidateShape(Tensor input, long dimensions)
        {
            var shape = input.shape;
            return shape.Length == dimensions + 2 && shape[1] == input_channels || shape.Length == dimensions + 1 && shape[0] == input_channels;
        }
    }

    /// <summary>A convolution over the last dimension of [batch, channels, length]; weight and bias start uniform in +-1/sqrt(fan in).</summary>
    public sealed class Conv1d : Convolution
    {
        private readonly long _stride, _padding, _dilation, _groups;
        private readonly long[] _explicitPadding;
        private readonly PaddingModes _mode;
        private Parameter _weight;
        private Parameter _bias;

        internal Conv1d(long inChannels, long outChannels, long kernelSize, long stride, long padding, bool samePadding, long dilation,
            PaddingModes mode, long groups, bool hasBias, Device device, ScalarType? dtype) : base("torch::nn::Conv1dImpl", inChannels)
        {
            if (inChannels <= 0 || groups <= 0 || outChannels <= 0) throw new ArgumentException(
                $"in_channels, groups and out_channels must be a positive integer, but are {inChannels}, {groups} and {outChannels}.");
            if (inChannels % groups != 0) throw new ArgumentException($"in_channels must be divisible by groups, but {inChannels} % {groups} = {inChannels % groups}.");
            if (outChannels % groups != 0) throw new ArgumentException($"out_channels must be divisible by groups, but {outChannels} % {groups} = {outChannels % groups}.");
            if (samePadding && stride != 1) throw new ArgumentException($"padding='same' is not supported for strided convolutions, but stride is {stride}.");
            (_stride, _dilation, _groups, _mode) = (stride, dilation, groups, mode);

            // Where both sides differ, and for modes other than zeros, the input is padded before the convolution.
            long total = samePadding ? dilation * (kernelSize - 1) : 2 * padding;
            long left = total / 2;
            if (mode is PaddingModes.Zeros or PaddingModes.Constant && total % 2 == 0) _padding = left;
            else _explicitPadding = [left, total - left];

            _weight = Register("weight", empty(outChannels, inChannels / groups, kernelSize));
            if (hasBias) _bias = Register("bias", empty(outChannels));
            nn.init.DefaultUniform(_weight, _bias);
            Placed(this, device, dtype);
        }

        public override Tensor forward(Tensor input)
        {
            if (!ValidateShape(input, 1))
                throw new ArgumentException($"Expected 2D (unbatched) or 3D (batched) input with {input_channels} channels to Conv1d, but got [{string.Join(", ", input.shape)}].");
            if (_explicitPadding is null) return nn.functional.conv1d(input, _weight, _bias, _stride, _padding, _dilation, _groups);
            using var padded = nn.functional.pad(input, _explicitPadding, _mode == PaddingModes.Zeros ? PaddingModes.Constant : _mode);
            return nn.functional.conv1d(padded, _weight, _bias, _stride, 0, _dilation, _groups);
        }

        public Parameter weight
        {
            get => Parameter.Fresh(_weight);
            set => _weight = Replace("weight", value);
        }

        public Parameter bias
        {
            get => Parameter.Fresh(_bias);
            set => _bias = Replace("bias", value);
        }

        private protected override void OnParameterReplaced(string name, Parameter parameter)
        {
            if (name == "weight") _weight = parameter;
            else _bias = parameter;
        }
    }
}
