using System.Collections;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules;

/// <summary>Modules by name, in the order they were added. As in TorchSharp they are registered when the dictionary is.</summary>
public class ModuleDict<T> : Module, IDictionary<string, T>, IList<(string, T)> where T : Module
{
    private readonly OrderedDictionary<string, T> _entries = [];
    private bool _registered;

    public ModuleDict() : base("ModuleDict")
    {
    }

    protected override void RegisterComponents()
    {
        if (_registered) return;
        foreach (var (key, module) in _entries) register_module(key, module);
        _registered = true;
    }

    public T this[string key]
    {
        get => _entries[key];
        set => _entries[key] = value;
    }

    public (string, T) this[int index]
    {
        get => Pair(_entries.GetAt(index));
        set => _entries.SetAt(index, value.Item1, value.Item2);
    }

    public int Count => _entries.Count;
    public bool IsReadOnly => false;
    public ICollection<string> Keys => _entries.Keys;
    public ICollection<T> Values => _entries.Values;
    public IEnumerable<string> keys() => _entries.Keys;
    public IEnumerable<T> values() => _entries.Values;
    public IEnumerator<(string, T)> items() => GetEnumerator();

    public void Add(string key, T value) => _entries.Add(key, value);
    public void Add((string, T) item) => _entries.Add(item.Item1, item.Item2);
    public void Add(KeyValuePair<string, T> item) => _entries.Add(item.Key, item.Value);
    public void Insert(int index, (string, T) item) => _entries.Insert(index, item.Item1, item.Item2);
    public bool Remove(string key) => _entries.Remove(key);
    public bool Remove((string, T) item) => Contains(item) && _entries.Remove(item.Item1);
    public bool Remove(KeyValuePair<string, T> item) => Remove((item.Key, item.Value));
    public void RemoveAt(int index) => _entries.RemoveAt(index);
    public void Clear() => _entries.Clear();
    public void clear() => Clear();

    public bool ContainsKey(string key) => _entries.ContainsKey(key);
    public bool TryGetValue(string key, out T value) => _entries.TryGetValue(key, out value);
    public bool Contains((string, T) item) => _entries.TryGetValue(item.Item1, out var value) && value == item.Item2;
    public bool Contains(KeyValuePair<string, T> item) => Contains((item.Key, item.Value));
    public int IndexOf((string, T) item) => Contains(item) ? _entries.IndexOf(item.Item1) : -1;
    public void CopyTo((string, T)[] array, int arrayIndex) => _entries.Select(Pair).ToList().CopyTo(array, arrayIndex);
    public void CopyTo(KeyValuePair<string, T>[] array, int arrayIndex) => ((ICollection<KeyValuePair<string, T>>)_entries).CopyTo(array, arrayIndex);

    public IEnumerator<(string, T)> GetEnumerator() => _entries.Select(Pair).GetEnumerator();
    IEnumerator<KeyValuePair<string, T>> IEnumerable<KeyValuePair<string, T>>.GetEnumerator() => _entries.GetEnumerator();
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private static (string, T) Pair(KeyValuePair<string, T> entry) => (entry.Key, entry.Value);
}
