using System.Buffers.Binary;
using System.IO.Hashing;

namespace LlmServe.Cpu.Weights;

/// <summary>
/// The first page of a file of repacked weights. Little endian: magic (8 bytes), version (4), 0 (4), bytes of data (8), key (16), digest of the
/// weights that were repacked (16), stamp of their files or 0 (16), digest of the data (16), XXH64 of all before (8), zeros. The data follows.
/// </summary>
/// <param name="DataBytes">Bytes that follow the page.</param>
/// <param name="Key">What was repacked, and into which layout.</param>
/// <param name="Source">Digest of the weights in the model's file.</param>
/// <param name="Stamp">From <see cref="SourceStamp"/>; 0: none.</param>
/// <param name="Data">Digest of the data.</param>
internal readonly record struct RepackedHeader(long DataBytes, UInt128 Key, UInt128 Source, UInt128 Stamp, UInt128 Data)
{
    /// <summary>Bytes before the data.</summary>
    public const int PageBytes = 4096;

    private const int Version = 1;
    private const int DigestOffset = 88;

    private static ReadOnlySpan<byte> Magic => "LLMSRPK\n"u8;

    /// <summary>Writes the page.</summary>
    /// <param name="page">[<see cref="PageBytes"/>]</param>
    public void Write(Span<byte> page)
    {
        page.Clear();
        Magic.CopyTo(page);
        BinaryPrimitives.WriteInt32LittleEndian(page[8..], Version);
        BinaryPrimitives.WriteInt64LittleEndian(page[16..], DataBytes);
        BinaryPrimitives.WriteUInt128LittleEndian(page[24..], Key);
        BinaryPrimitives.WriteUInt128LittleEndian(page[40..], Source);
        BinaryPrimitives.WriteUInt128LittleEndian(page[56..], Stamp);
        BinaryPrimitives.WriteUInt128LittleEndian(page[72..], Data);
        BinaryPrimitives.WriteUInt64LittleEndian(page[DigestOffset..], XxHash64.HashToUInt64(page[..DigestOffset]));
    }

    /// <summary>Reads a page that <see cref="Write"/> wrote, and no other.</summary>
    public static bool TryRead(ReadOnlySpan<byte> page, out RepackedHeader header)
    {
        header = new RepackedHeader(
            BinaryPrimitives.ReadInt64LittleEndian(page[16..]), BinaryPrimitives.ReadUInt128LittleEndian(page[24..]),
            BinaryPrimitives.ReadUInt128LittleEndian(page[40..]), BinaryPrimitives.ReadUInt128LittleEndian(page[56..]),
            BinaryPrimitives.ReadUInt128LittleEndian(page[72..]));
        Span<byte> expected = stackalloc byte[PageBytes];
        header.Write(expected);
        return page.SequenceEqual(expected);
    }
}
