using System.Buffers.Binary;
using System.Diagnostics;

namespace LlmServe.Gguf.Tests;

/// <summary>Damaged files: each either opens and can be read in full, or gives one <see cref="GgufException"/>.</summary>
public sealed unsafe class FuzzTests
{
    private const int Capacity = 1 << 14;
    private const long MostAllocated = 64 << 20;

    /// <summary>Values that length fields are replaced by: around zero, powers of two, and the ends of the integer types.</summary>
    private static readonly ulong[] Lengths =
        [0, 1, 2, 7, 8, 31, 32, 33, 255, 256, 1 << 16, int.MaxValue, 1ul << 31, uint.MaxValue, 1ul << 32, 1ul << 56, 1ul << 60, long.MaxValue, 1ul << 63, ulong.MaxValue];

    [Fact]
    public void Open_MutatedFilesInMemory_FailCleanlyOrReadInFull()
    {
        using var memory = new GuardedMemory(Capacity);
        var random = new Random(20261123);
        var (opened, refused) = (0, 0);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] bytes = Mutate(random, TestModels.Small[i % TestModels.Small.Count]);
            byte* data = memory.Place(bytes);
            bool success = Bounded(i, () => GgufFile.FromMemory(data, bytes.Length, "memory.gguf"));
            (opened, refused) = success ? (opened + 1, refused) : (opened, refused + 1);
        }

        // Both outcomes have to be common, or the mutations test one side only.
        Assert.InRange(opened, 1_000, 19_000);
        Assert.InRange(refused, 1_000, 19_000);
    }

    [Fact]
    public void Open_MutatedFilesOnDisk_FailCleanlyOrReadInFull()
    {
        using var folder = new TempFolder();
        var random = new Random(42);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            string path = folder.Write("mutated.gguf", Mutate(random, TestModels.Small[i % TestModels.Small.Count]));
            refused += Bounded(i, () => GgufFile.Open(path)) ? 0 : 1;
        }

        Assert.InRange(refused, 10, 290);
    }

    [Fact]
    public void Open_EveryTruncation_FailsCleanlyOrReadsInFull()
    {
        using var memory = new GuardedMemory(Capacity);
        foreach (byte[] model in TestModels.Small)
        {
            for (int length = 0; length < model.Length; length++)
            {
                byte* data = memory.Place(model.AsSpan(0, length));
                Bounded(length, () => GgufFile.FromMemory(data, length, "memory.gguf"));
            }
        }
    }

    [Fact]
    public void Open_EveryBitFlip_FailsCleanlyOrReadsInFull()
    {
        using var memory = new GuardedMemory(Capacity);
        byte[] model = (byte[])TestModels.Small[0].Clone();
        for (int bit = 0; bit < 8 * model.Length; bit++)
        {
            model[bit >> 3] ^= (byte)(1 << (bit & 7));
            byte* data = memory.Place(model);
            Bounded(bit, () => GgufFile.FromMemory(data, model.Length, "memory.gguf"));
            model[bit >> 3] ^= (byte)(1 << (bit & 7));
        }
    }

    [Theory]
    [InlineData("nested")]
    [InlineData("keys")]
    [InlineData("strings")]
    [InlineData("tensors")]
    public void Open_ManySmallThings_AllocatesASmallMultipleOfTheFile(string what)
    {
        byte[] bytes = Many(what);
        Assert.InRange(bytes.Length, 1 << 18, 1 << 21);
        TestModels.Use(bytes, _ => { });

        long before = GC.GetAllocatedBytesForCurrentThread();
        TestModels.Use(bytes, _ => { });
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 0, 24 * bytes.Length);
    }

    /// <summary>Opens and reads everything within bounds of time and memory; false where the file was refused.</summary>
    private static bool Bounded(int number, Func<GgufFile> open)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        bool success = true;
        try
        {
            using var file = open();
            TestModels.TouchEverything(file);
        }
        catch (GgufException error)
        {
            Assert.DoesNotContain(error.Message, char.IsControl);
            success = false;
        }
        catch (Exception error) when (error is not Xunit.Sdk.XunitException)
        {
            Assert.Fail($"file {number}: {error}");
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= MostAllocated, $"file {number}: {allocated} bytes were allocated");

        // Generous, so that only a loop over an absurd count fails here and not a busy machine.
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"file {number}: took {watch.Elapsed}");
        return success;
    }

    private static byte[] Mutate(Random random, byte[] model)
    {
        byte[] bytes = (byte[])model.Clone();
        for (int count = random.Next(1, 4); count > 0; count--)
        {
            bytes = MutateOnce(random, bytes);
        }

        return bytes;
    }

    private static byte[] MutateOnce(Random random, byte[] bytes)
    {
        if (bytes.Length < 16)
        {
            return bytes;
        }

        int place = random.Next(bytes.Length);
        switch (random.Next(7))
        {
            case 0:
                return bytes[..place];
            case 1:
                bytes[place] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 2:
                random.NextBytes(bytes.AsSpan(place, Math.Min(random.Next(1, 16), bytes.Length - place)));
                return bytes;
            case 3:
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(Math.Min(place, bytes.Length - 8)), Lengths[random.Next(Lengths.Length)]);
                return bytes;
            case 4:
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(Math.Min(place, bytes.Length - 4)), (uint)random.Next(16));
                return bytes;
            case 5:
                int length = random.Next(1, 1 + bytes.Length / 4);
                int other = random.Next(bytes.Length - length);
                int from = Math.Min(place, bytes.Length - length);
                byte[] held = bytes[from..(from + length)];
                bytes.AsSpan(other, length).CopyTo(bytes.AsSpan(from));
                held.CopyTo(bytes, other);
                return bytes;
            default:
                return [.. bytes[..place], .. TestModels.Random(random.Next(), random.Next(1, 40)), .. bytes[place..]];
        }
    }

    private static byte[] Many(string what)
    {
        const int Count = 30_000;
        var writer = new GgufWriter(alignment: 8);
        switch (what)
        {
            case "nested":
                var empty = GgufValue.ArrayOf(GgufValueType.UInt8, []);
                writer.Add("nested", GgufValue.ArrayOf(GgufValueType.Array, Enumerable.Repeat(empty, Count).ToArray()));
                break;
            case "keys":
                Enumerable.Range(0, Count).ToList().ForEach(i => writer.Add(i.ToString("x4"), GgufValue.Of((byte)1)));
                break;
            case "strings":
                writer.Add("strings", GgufValue.FromUtf8(Enumerable.Repeat(Array.Empty<byte>(), 4 * Count).ToList()));
                break;
            default:
                Enumerable.Range(0, Count / 3).ToList().ForEach(i => writer.AddTensor(i.ToString("x4"), GgmlType.I8, [1], new byte[1]));
                break;
        }

        return TestModels.Bytes(writer);
    }
}
