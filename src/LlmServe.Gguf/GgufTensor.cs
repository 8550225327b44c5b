using System.Collections.Immutable;
using LlmServe.Gguf.Formats;

namespace LlmServe.Gguf;

/// <summary>An entry of a file's tensor table. Its sizes have been checked against the file.</summary>
public sealed class GgufTensor
{
    internal GgufTensor(string name, BlockFormat format, ImmutableArray<long> dimensions, long offset, int part)
    {
        Name = name;
        Format = format;
        Dimensions = dimensions;
        Offset = offset;
        Part = part;
        ElementCount = dimensions.Aggregate(1L, (product, dimension) => checked(product * dimension));
        ByteLength = format.BytesOf(ElementCount);
    }

    /// <summary>Name, for example <c>blk.0.attn_q.weight</c>.</summary>
    public string Name { get; }

    /// <summary>Element type.</summary>
    public GgmlType Type => Format.Type;

    /// <summary>Sizes of the element type, and how to decode it.</summary>
    public BlockFormat Format { get; }

    /// <summary>One to four sizes in GGUF order: the first counts columns, which are contiguous.</summary>
    public ImmutableArray<long> Dimensions { get; }

    /// <summary>Elements of a row: the first dimension, a multiple of the format's block size.</summary>
    public long Columns => Dimensions[0];

    /// <summary>Rows: the product of all dimensions but the first.</summary>
    public long Rows => ElementCount / Columns;

    /// <summary>Columns × rows.</summary>
    public long ElementCount { get; }

    /// <summary>Bytes of all elements.</summary>
    public long ByteLength { get; }

    /// <summary>Bytes of a row.</summary>
    public long RowBytes => ByteLength / Rows;

    /// <summary>Where the data starts, in bytes from the start of its part's file.</summary>
    public long Offset { get; }

    /// <summary>Which part of a split model holds the data; 0 for a single file.</summary>
    public int Part { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Name} {Format.Name} [{string.Join(", ", Dimensions)}]";
}
