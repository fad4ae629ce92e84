using Maha.Layers.Text;


namespace Maha.Layers.Tests.Text;

public class WordCacheTests
{
    private readonly WordCache _cache = new();

    [Fact]
    public void UnknownWord_IsNotFound() => Assert.True(_cache.Find("word", 7).IsEmpty);

    [Fact]
    public void WordsOfTheSameHash_AreDistinguished()
    {
        _cache.Add("abc", 7, [1, 2]);
        Assert.True(_cache.Find("abd", 7).IsEmpty);
        Assert.True(_cache.Find("ab", 7).IsEmpty);
        _cache.Add("abd", 7, [3]);
        Assert.Equal([1, 2], _cache.Find("abc", 7).ToArray());
        Assert.Equal([3], _cache.Find("abd", 7).ToArray());
    }

    [Fact]
    public void HashesOfTheSameSlot_AreDistinguished()
    {
        _cache.Add("abc", 7, [1]);
        Assert.True(_cache.Find("abc", 7 + WordCache.NumSlots).IsEmpty);
    }

    [Fact]
    public void OneNewWord_DoesNotEvictTheWordJustUsed()
    {
        _cache.Add("often", 7, [1]);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal([1], _cache.Find("often", 7).ToArray());
            _cache.Add("rare" + i, 7, [2]);
        }
    }

    [Fact]
    public void Slots_HoldTwoWordsAndNoMore()
    {
        for (int i = 0; i < 3; i++)
        {
            _cache.Add("word" + i, 7, [i]);
        }

        Assert.True(_cache.Find("word0", 7).IsEmpty);
        Assert.Equal([1], _cache.Find("word1", 7).ToArray());
        Assert.Equal([2], _cache.Find("word2", 7).ToArray());
    }

    [Fact]
    public void Hash_DependsOnEveryCharacter()
    {
        for (int length = 1; length <= WordScanner.MaxWordLength; length++)
        {
            string word = new('a', length);
            HashSet<int> hashes = [WordCache.Hash(word)];
            for (int i = 0; i < length; i++)
            {
                Assert.True(hashes.Add(WordCache.Hash(word[..i] + 'b' + word[(i + 1)..])));
            }
        }
    }
}
