namespace Maha.Embedded.TorchSharp.Tests;

/// <summary>The update rules as in the papers, one number at a time, in double precision.</summary>
internal sealed class OptimizerTwin(double[] parameter)
{
    private readonly double[] _average = new double[parameter.Length];
    private readonly double[] _square = new double[parameter.Length];
    private readonly double[] _largest = new double[parameter.Length];
    private int _steps;

    public double[] Parameter => parameter;

    public void Adam(double[] gradient, double lr, double beta1, double beta2, double eps, double decay, bool amsgrad, bool maximize, bool decoupled)
    {
        _steps++;
        for (int i = 0; i < parameter.Length; i++)
        {
            double g = maximize ? -gradient[i] : gradient[i];
            if (decoupled) parameter[i] -= lr * decay * parameter[i];
            else g += decay * parameter[i];
            _average[i] = beta1 * _average[i] + (1 - beta1) * g;
            _square[i] = beta2 * _square[i] + (1 - beta2) * g * g;
            _largest[i] = Math.Max(_largest[i], _square[i]);
            double average = _average[i] / (1 - Math.Pow(beta1, _steps));
            double square = (amsgrad ? _largest[i] : _square[i]) / (1 - Math.Pow(beta2, _steps));
            parameter[i] -= lr * average / (Math.Sqrt(square) + eps);
        }
    }

    public void Sgd(double[] gradient, double lr, double momentum, double dampening, double decay, bool nesterov, bool maximize)
    {
        _steps++;
        for (int i = 0; i < parameter.Length; i++)
        {
            double g = gradient[i] + decay * parameter[i];
            if (momentum != 0)
            {
                _average[i] = _steps == 1 ? g : momentum * _average[i] + (1 - dampening) * g;
                g = nesterov ? g + momentum * _average[i] : _average[i];
            }
            parameter[i] += maximize ? lr * g : -lr * g;
        }
    }
}
