namespace Maha.Layers.Text;

/// <summary>The scores of a few of C classes; all other classes have the score 0.</summary>
internal sealed class SparseScores(int numClasses)
{
    private readonly float[] _scores = new float[numClasses];
    private readonly bool[] _isTouched = new bool[numClasses];
    private readonly List<int> _touched = [];

    /// <summary>The classes that have a score.</summary>
    public List<int> Touched => _touched;

    public float this[int index] => _scores[index];

    public void Add(int index, float score)
    {
        if (!_isTouched[index])
        {
            _isTouched[index] = true;
            _touched.Add(index);
        }
        _scores[index] += score;
    }

    public void Clear()
    {
        foreach (int index in _touched)
            (_scores[index], _isTouched[index]) = (0, false);
        _touched.Clear();
    }
}
