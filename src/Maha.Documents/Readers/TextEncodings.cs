using System.Text;
using System.Text.RegularExpressions;
using UtfUnknown;

namespace Maha.Documents.Readers;

/// <summary>The encoding of a file, or the reason why it is not known.</summary>
internal sealed partial record TextEncodings
{
    // Below it, the detector has guessed.
    private const double MinConfidence = 0.2;

    // Text of another encoding hardly ever has as many sequences that are valid UTF-8 by chance.
    private const int ValidPerInvalid = 4;

    // What a declaration is found by, and what surrounds it.
    private const string Markup = "<>/=\"'&#; -!?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    // A noncharacter, several times: texts do not have it.
    private const string BadBytes = "\uFFFF\uFFFE\uFFFF";

    private const int DetectedBytes = 1 << 20;
    private const int DeclarationBytes = 1 << 12;

    /// <summary>The encoding, which throws on bytes that are not valid; null if there is an error.</summary>
    public Encoding? Encoding { get; private init; }

    /// <summary>Whether the file is UTF-8 with damaged places, at <see cref="ErrorLine"/> first. Records without damage can be read.</summary>
    public bool IsDamagedUtf8 { get; private init; }

    /// <summary>The reason why the file as a whole can't be decoded; null if it can.</summary>
    public string? Error { get; private init; }

    /// <summary>The line of the error, from 1.</summary>
    public long? ErrorLine { get; private init; }

    /// <summary>Detects the encoding of a stream from its start, which is read to its end, in constant memory.</summary>
    /// <remarks>
    /// A byte order mark decides; then the given encoding; then, for HTML without characters beyond ASCII that are valid UTF-8, the declared encoding; then
    /// the validity as UTF-8; then the most probable encoding of the text.
    /// </remarks>
    public static TextEncodings Detect(Stream stream, Encoding? given, bool isHtml)
    {
        long start = stream.Position;
        byte[] head = new byte[DeclarationBytes];
        int length = stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        stream.Position = start;
        if ((FromMark(head.AsSpan(0, length)).Encoding ?? given) is { } known)
            return new TextEncodings { Encoding = Strict(known) };
        var scan = Utf8Scan.Read(stream);
        stream.Position = start;
        if (scan.NulOffset is long nul)
        {
            return new TextEncodings
            {
                Error = $"A text must not have NUL bytes, but there is one at offset {nul}: the file is binary, or UTF-16 or UTF-32 without byte order mark. "
                    + "If it is text, set Encoding.",
                ErrorLine = scan.NulLine,
            };
        }
        if (isHtml && (scan.NumValid == 0 || scan.NumInvalid > 0) && Declared(Encoding.Latin1.GetString(head, 0, length)) is { } declared)
            return new TextEncodings { Encoding = Strict(declared) };
        if (scan.NumInvalid == 0)
            return new TextEncodings { Encoding = Strict(Encoding.UTF8) };
        if (scan.NumValid >= ValidPerInvalid * scan.NumInvalid)
        {
            return new TextEncodings
            {
                Encoding = Strict(Encoding.UTF8),
                IsDamagedUtf8 = true,
                Error = $"A UTF-8 text must be valid, but the bytes at offset {scan.InvalidOffset} are not. Repair the file, or set Encoding.",
                ErrorLine = scan.InvalidLine,
            };
        }
        stream.Position = start + Math.Max(0, scan.InvalidOffset - DetectedBytes / 2);
        var detected = CharsetDetector.DetectFromStream(stream, DetectedBytes).Detected;
        stream.Position = start;
        if (detected is { Confidence: >= (float)MinConfidence } && Find(detected.EncodingName) is { } found)
            return new TextEncodings { Encoding = Strict(found) };
        return new TextEncodings
        {
            Error = $"The text is not UTF-8 (offset {scan.InvalidOffset}), and its encoding can't be detected. Set Encoding.",
            ErrorLine = scan.InvalidLine,
        };
    }

    /// <summary>Decodes a whole file, without its byte order mark.</summary>
    /// <exception cref="DecoderFallbackException">The bytes are not valid.</exception>
    public string Decode(ReadOnlySpan<byte> bytes)
    {
        string text = Encoding!.GetString(bytes);
        return text.StartsWith('\uFEFF') ? text[1..] : text;
    }

    /// <summary>Returns the line, from 1, of the first bytes that are not valid, for which <see cref="Decode"/> has thrown.</summary>
    public long LineOfBadBytes(ReadOnlySpan<byte> bytes)
    {
        // Exceptions have an index of the bytes, but not for every encoding and not from the same place. Line breaks are counted as characters, since
        // characters of two bytes can have their byte.
        var marking = (Encoding)Encoding!.Clone();
        marking.DecoderFallback = new DecoderReplacementFallback(BadBytes);
        string text = marking.GetString(bytes);
        int end = text.IndexOf(BadBytes, StringComparison.Ordinal);
        return 1 + text.AsSpan(0, Math.Max(0, end)).Count('\n');
    }

    /// <summary>Returns the encoding of a byte order mark and the length of the mark; null and 0 if there is none.</summary>
    public static (Encoding? Encoding, int Length) FromMark(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0xEF, 0xBB, 0xBF, ..] => (Encoding.UTF8, 3),
        [0xFF, 0xFE, 0, 0, ..] => (Encoding.UTF32, 4),
        [0, 0, 0xFE, 0xFF, ..] => (new UTF32Encoding(bigEndian: true, byteOrderMark: true), 4),
        [0xFF, 0xFE, ..] => (Encoding.Unicode, 2),
        [0xFE, 0xFF, ..] => (Encoding.BigEndianUnicode, 2),
        _ => (null, 0),
    };

    /// <summary>Returns an encoding that throws on bytes that are not valid.</summary>
    public static Encoding Strict(Encoding encoding)
    {
        var strict = (Encoding)encoding.Clone();
        strict.DecoderFallback = DecoderFallback.ExceptionFallback;
        return strict;
    }

    // As browsers read declarations: ISO 8859-1 means windows-1252, and a document in which the declaration is found as ASCII is not UTF-16, UTF-32 or EBCDIC.
    private static Encoding? Declared(string head) => Declaration().Match(head) is { Success: true } match
        ? match.Groups[1].Value.ToLowerInvariant() switch
        {
            "iso-8859-1" or "latin1" or "us-ascii" or "ascii" => Find("windows-1252"),
            "utf-8" or "utf8" => null,
            var name => Find(name) is { } found && found.GetString(Encoding.ASCII.GetBytes(Markup)) == Markup ? found : null,
        }
        : null;

    // The provider is asked, not registered: a library leaves the encodings of its process alone.
    private static Encoding? Find(string name)
    {
        if (CodePagesEncodingProvider.Instance.GetEncoding(name) is { } found)
            return found;
        try
        {
            return Encoding.GetEncoding(name);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            // Unknown, or one that .NET refuses, such as UTF-7.
            return null;
        }
    }

    [GeneratedRegex(@"<(?:meta\b[^>]*?charset|\?xml\b[^>]*?encoding)\s*=\s*[""']?\s*([\w.:-]+)", RegexOptions.IgnoreCase)]
    private static partial Regex Declaration();
}
