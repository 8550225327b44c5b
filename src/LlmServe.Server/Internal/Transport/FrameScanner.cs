using System.Buffers;

namespace LlmServe.Server.Internal.Transport;

/// <summary>Finds the borders and types of HTTP/2 frames (RFC 9113, section 4.1) in bytes as they come, in whatever pieces.</summary>
internal struct FrameScanner
{
    private const int PrefaceLength = 24;
    private const int HeaderLength = 9;
    private const int TypeAt = 3;

    private long _skip = PrefaceLength;
    private int _header; // bytes of the present frame's header that were seen
    private int _length;
    private byte _type;

    public FrameScanner()
    {
    }

    /// <summary>Goes on to the end of the next frame's header.</summary>
    /// <param name="bytes">What was not scanned yet; moved forward.</param>
    /// <param name="type">The frame's type.</param>
    /// <returns>False: the bytes end before.</returns>
    public bool TryNext(ref SequenceReader<byte> bytes, out byte type)
    {
        type = 0;
        long skipped = Math.Min(_skip, bytes.Remaining);
        bytes.Advance(skipped);
        _skip -= skipped;
        while (_skip == 0 && bytes.TryRead(out byte next))
        {
            if (_header < TypeAt)
            {
                _length = _length << 8 | next;
            }
            else if (_header == TypeAt)
            {
                _type = next;
            }

            if (++_header == HeaderLength)
            {
                type = _type;
                _skip = _length;
                _header = 0;
                _length = 0;
                return true;
            }
        }

        return false;
    }
}
