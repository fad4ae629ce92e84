using System;
using System.IO;
using System.Linq;
using System.Text;

namespace Maha.LoaderFix;

/// <summary>What became of a library.</summary>
internal enum LoaderFixResult
{
    /// <summary>The library does not need the newer version, or was patched before.</summary>
    NotNeeded,

    /// <summary>The library was patched.</summary>
    Patched,

    /// <summary>The library needs the newer version in another way than the one that is known; it is left as it is.</summary>
    Refused,
}

/// <summary>
/// Lets the native library of TorchSharp 0.107 load where libstdc++ ends before GLIBCXX_3.4.32 (Debian 12, Ubuntu 22.04).
/// </summary>
/// <remarks>
/// One symbol needs that version: <c>std::ios_base_library_init()</c>, a call that GCC 13 puts into files that include &lt;iostream&gt;. Older libraries
/// initialize streams when they are loaded, and libtorch, which is loaded first, does so in any case. The call is turned into one of
/// <c>std::get_terminate()</c>, which takes nothing and changes nothing, and the version into the one that has it, GLIBCXX_3.4.20.
/// </remarks>
internal static class LoaderFix
{
    public const string StandardLibrary = "libstdc++.so.6";
    public const string NeededVersion = "GLIBCXX_3.4.32";
    private const string OlderVersion = "GLIBCXX_3.4.20"; // as long as NeededVersion
    private const string NeededSymbol = "_ZSt21ios_base_library_initv";
    private const string OlderSymbol = "_ZSt13get_terminatev"; // shorter than NeededSymbol

    /// <summary>Whether a libstdc++ defines the version that TorchSharp's library needs.</summary>
    public static bool Defines(byte[] standardLibrary) => ElfLibrary.Read(standardLibrary) is { } library && Try(() => library.Definitions().Contains(NeededVersion));

    /// <summary>Whether a library needs the newer version of libstdc++.</summary>
    public static bool Needs(byte[] library) => ElfLibrary.Read(library) is { } read && Try(() => read.Needs().Any(IsNeed));

    /// <summary>Patches a library in memory. Patching twice is patching once.</summary>
    /// <param name="bytes">The library; changed only where the result is <see cref="LoaderFixResult.Patched"/>.</param>
    /// <param name="reason">Why it was refused; else empty.</param>
    public static LoaderFixResult Apply(byte[] bytes, out string reason)
    {
        reason = "";
        try
        {
            var library = ElfLibrary.Read(bytes);
            if (library is null)
                return Refuse("it is not a 64-bit little-endian ELF library with section headers", out reason);
            var needs = library.Needs().Where(IsNeed).ToList();
            if (needs.Count == 0)
                return LoaderFixResult.NotNeeded;
            if (needs.Count > 1)
                return Refuse($"it names {NeededVersion} {needs.Count} times, not once", out reason);

            var symbols = library.SymbolsOf(needs[0].Index);
            if (symbols.Count != 1 || symbols[0].Name != NeededSymbol)
                return Refuse($"{NeededVersion} is needed by {symbols.Count} symbols ({string.Join(", ", symbols.Take(3).Select(symbol => symbol.Name))}), not by {NeededSymbol} alone", out reason);
            if (library.CountOfDynamicString(NeededSymbol) != 1 || library.CountOfDynamicString(NeededVersion) != 1)
                return Refuse($"the names {NeededSymbol} and {NeededVersion} must stand in its string table once each", out reason);
            if (library.CountOfNamesIn(symbols[0].NameOffset, symbols[0].NameOffset + NeededSymbol.Length) != 1
                || library.CountOfNamesIn(needs[0].NameOffset, needs[0].NameOffset + NeededVersion.Length) != 1)
            {
                return Refuse($"another name is a part of {NeededSymbol} or {NeededVersion} and would change with it", out reason);
            }

            Put(bytes, symbols[0].NameOffset, OlderSymbol.PadRight(NeededSymbol.Length, '\0'));
            Put(bytes, needs[0].NameOffset, OlderVersion);
            BitConverter.GetBytes(ElfLibrary.Hash(OlderVersion)).CopyTo(bytes, (int)needs[0].Offset);
            return LoaderFixResult.Patched;
        }
        catch (InvalidDataException e)
        {
            return Refuse("it is damaged: " + e.Message, out reason);
        }
    }

    private static bool IsNeed(ElfLibrary.Need need) => need.Library == StandardLibrary && need.Version == NeededVersion;

    private static void Put(byte[] bytes, long at, string text) => Encoding.ASCII.GetBytes(text).CopyTo(bytes, (int)at);

    private static LoaderFixResult Refuse(string why, out string reason)
    {
        reason = why;
        return LoaderFixResult.Refused;
    }

    private static bool Try(Func<bool> question)
    {
        try
        {
            return question();
        }
        catch (InvalidDataException)
        {
            return false;
        }
    }
}
