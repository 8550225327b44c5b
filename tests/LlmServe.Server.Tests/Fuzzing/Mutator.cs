namespace LlmServe.Server.Tests.Fuzzing;

/// <summary>Changes the bytes of messages, reproducibly.</summary>
internal sealed class Mutator(int seed, IReadOnlyList<byte[]> corpus)
{
    private static readonly byte[][] Interesting =
    [
        [0xFF, 0xFF, 0xFF, 0xFF, 0x0F], // varint of 2³² − 1
        [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], // varint of −1
        [0x80, 0x80, 0x80, 0x80, 0x08], // varint of 2³¹
        [0x00, 0x00, 0xC0, 0x7F], // NaN
        [0x00, 0x00, 0x80, 0xFF], // −∞
        [0x0B], // start of a group
        [0xED, 0xA0, 0x80], // half a surrogate pair, as UTF-8 must not have it
        "{{"u8.ToArray(), "\\ud800"u8.ToArray(), "[[[[[[[["u8.ToArray(), "<|im_end|>"u8.ToArray(), "refuse"u8.ToArray(), "fail"u8.ToArray(),
    ];

    private readonly Random _random = new(seed);

    /// <summary>
    /// One message of the corpus: half of the time with a single byte changed, which often leaves it readable and reaches the checks of values, and
    /// else with up to four changes of any kind, which mostly test the reader.
    /// </summary>
    public byte[] Next()
    {
        var bytes = new List<byte>(Pick(corpus));
        if (_random.Next(2) == 0 && bytes.Count > 0)
        {
            bytes[_random.Next(bytes.Count)] ^= (byte)(1 << _random.Next(8));
            return [.. bytes];
        }

        for (int changes = _random.Next(1, 5); changes > 0; changes--)
        {
            Change(bytes);
        }

        return [.. bytes];
    }

    private void Change(List<byte> bytes)
    {
        int at = _random.Next(bytes.Count + 1);
        int length = Math.Min(_random.Next(1, 17), bytes.Count - at);
        switch (_random.Next(8))
        {
            case 0 when at < bytes.Count:
                bytes[at] ^= (byte)(1 << _random.Next(8));
                break;
            case 1 when at < bytes.Count:
                bytes[at] = (byte)_random.Next(256);
                break;
            case 2:
                bytes.RemoveRange(at, length);
                break;
            case 3:
                bytes.InsertRange(at, bytes.GetRange(at, length));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5:
                byte[] other = Pick(corpus);
                bytes.InsertRange(at, other[_random.Next(other.Length + 1)..]);
                break;
            case 6:
                bytes.InsertRange(at, Pick(Interesting));
                break;
            default:
                byte[] value = Pick(Interesting);
                bytes.RemoveRange(at, Math.Min(value.Length, bytes.Count - at));
                bytes.InsertRange(at, value);
                break;
        }
    }

    private byte[] Pick(IReadOnlyList<byte[]> list) => list[_random.Next(list.Count)];
}
