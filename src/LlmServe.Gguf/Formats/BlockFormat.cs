using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using LlmServe.Gguf.Formats.Encoding;

namespace LlmServe.Gguf.Formats;

/// <summary>What is known at run time about an element type: its sizes, and how to decode it where this project can.</summary>
public unsafe class BlockFormat
{
    private static readonly BlockFormat?[] Table = BuildTable();

    private readonly delegate*<byte*, float*, long, void> _decode;
    private readonly delegate*<float*, float*, byte*, long, void> _encode;

    private BlockFormat(
        GgmlType type, int blockSize, int blockBytes, delegate*<byte*, float*, long, void> decode = null, delegate*<float*, float*, byte*, long, void> encode = null)
    {
        Type = type;
        BlockSize = blockSize;
        BlockBytes = blockBytes;
        _decode = decode;
        _encode = encode;
    }

    /// <summary>The number in GGUF files.</summary>
    public GgmlType Type { get; }

    /// <summary>The name used by GGML and in reports, for example <c>Q4_K</c>.</summary>
    public string Name => Type.ToString();

    /// <summary>Elements in a block; 1 for plain numbers. A tensor's columns are a multiple of it.</summary>
    public int BlockSize { get; }

    /// <summary>Bytes of a block.</summary>
    public int BlockBytes { get; }

    /// <summary>Which terms the dot product has; null for plain numbers and for quantized types known only by size.</summary>
    public virtual BlockKind? Kind => null;

    /// <summary>Weights that share one scale: 16 or 32; 1 where <see cref="Kind"/> is null.</summary>
    public virtual int SubBlockSize => 1;

    /// <summary>True where a block holds more than one element, also for types that cannot be decoded here.</summary>
    public bool IsQuantized => BlockSize > 1;

    /// <summary>True where <see cref="DecodeRow"/> works.</summary>
    public bool CanDecode => _decode != null;

    /// <summary>True where <see cref="Encode"/> works.</summary>
    public bool CanEncode => _encode != null;

    /// <summary>The decoder itself, for callers that have checked <see cref="CanDecode"/> and sizes: blocks, destination, weights.</summary>
    public delegate*<byte*, float*, long, void> Decoder => _decode;

    /// <summary>Every known type, by number.</summary>
    public static IEnumerable<BlockFormat> All => Table.OfType<BlockFormat>();

    /// <summary>Names of the types that can be decoded, for messages: "F32, F16, Q4_0, …".</summary>
    public static string SupportedNames => string.Join(", ", All.Where(format => format.CanDecode).Select(format => format.Name));

    /// <summary>The format of a type.</summary>
    /// <exception cref="GgufException">The type is not known; the message lists those that are.</exception>
    public static BlockFormat Get(GgmlType type) => TryGet(type, out var format)
        ? format
        : throw new GgufException($"Tensor type {(uint)type} is not known; known are {string.Join(", ", All.Select(known => known.Name))}.");

    /// <summary>The format of a type, or false where the type is not known.</summary>
    public static bool TryGet(GgmlType type, [NotNullWhen(true)] out BlockFormat? format)
    {
        format = (uint)type < (uint)Table.Length ? Table[(uint)type] : null;
        return format is not null;
    }

    /// <summary>Bytes of <paramref name="elements"/> consecutive elements.</summary>
    /// <exception cref="ArgumentException">Not a multiple of <see cref="BlockSize"/>, or negative.</exception>
    /// <exception cref="OverflowException">The size does not fit in 63 bits.</exception>
    public long BytesOf(long elements)
    {
        RequireWholeBlocks(elements);
        return checked(elements / BlockSize * BlockBytes);
    }

    /// <summary>Decodes consecutive weights to f32: the exact real value rounded once (docs/numerics.md, "Decoded weights").</summary>
    /// <param name="data">Blocks, any alignment; <see cref="BytesOf"/>(count) bytes are read.</param>
    /// <param name="destination">[count]</param>
    /// <param name="count">Weights, a multiple of <see cref="BlockSize"/>.</param>
    /// <exception cref="GgufException">The type is known only by size; the message lists those that can be decoded.</exception>
    /// <exception cref="ArgumentException">The count is not a multiple of the block size.</exception>
    public void DecodeRow(byte* data, float* destination, long count)
    {
        if (!CanDecode)
        {
            throw new GgufException($"Weights of type {Name} cannot be decoded; supported are {SupportedNames}. Convert the model to one of these.");
        }

        RequireWholeBlocks(count);
        _decode(data, destination, count);
    }

    /// <summary>
    /// Encodes f32 weights: float types round to nearest even; block formats search for the scales, minimums and codes with the smallest squared error. The bytes
    /// are the same on every processor. Magnitudes that a scale cannot reach are clamped.
    /// </summary>
    /// <param name="weights">A multiple of <see cref="BlockSize"/>; finite where the type is quantized.</param>
    /// <param name="blocks">Exactly <see cref="BytesOf"/>(weights) bytes, all of which are written.</param>
    /// <param name="importance">What the squared error of each weight counts, positive, such as the mean square of what it is multiplied with; empty: all alike.</param>
    /// <exception cref="GgufException">The type has no encoder; the message lists those that have one.</exception>
    /// <exception cref="ArgumentException">A size does not fit, or a weight to quantize is not finite, or an importance is not positive.</exception>
    public void Encode(ReadOnlySpan<float> weights, Span<byte> blocks, ReadOnlySpan<float> importance = default)
    {
        if (!CanEncode)
        {
            string able = string.Join(", ", All.Where(format => format.CanEncode).Select(format => format.Name));
            throw new GgufException($"Weights cannot be encoded as {Name}; supported are {able}.");
        }

        if (blocks.Length != BytesOf(weights.Length))
        {
            throw new ArgumentException($"{blocks.Length} bytes for {weights.Length} weights of {Name}: {BytesOf(weights.Length)} needed.", nameof(blocks));
        }

        if (IsQuantized && weights.ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
        {
            throw new ArgumentException($"Weights to be encoded as {Name} must be finite.", nameof(weights));
        }

        if (!importance.IsEmpty && (importance.Length != weights.Length || importance.ContainsAnyExceptInRange(float.Epsilon, float.MaxValue)))
        {
            throw new ArgumentException($"The importance of {weights.Length} weights must be as many positive numbers.", nameof(importance));
        }

        fixed (float* source = weights)
        fixed (float* counts = importance)
        fixed (byte* target = blocks)
        {
            _encode(source, counts, target, weights.Length);
        }
    }

    /// <summary>What a visitor makes for this format.</summary>
    /// <exception cref="GgufException">Not a block format that can be decoded here; the message lists those.</exception>
    public virtual TResult Accept<TResult>(IBlockFormatVisitor<TResult> visitor) =>
        throw new GgufException($"{Name} is no block format that is supported; supported are {string.Join(", ", All.Where(format => format.Kind is not null).Select(format => format.Name))}.");

    /// <inheritdoc/>
    public override string ToString() => Name;

    private void RequireWholeBlocks(long elements)
    {
        if (elements < 0 || elements % BlockSize != 0)
        {
            throw new ArgumentException($"{elements} elements of {Name}: allowed is a multiple of {BlockSize}.", nameof(elements));
        }
    }

    private static BlockFormat?[] BuildTable()
    {
        BlockFormat[] formats =
        [
            new(GgmlType.F32, 1, 4, &BlockDecoder.DecodeF32, &FloatEncoder.EncodeF32),
            new(GgmlType.F16, 1, 2, &BlockDecoder.DecodeF16, &FloatEncoder.EncodeF16),
            new(GgmlType.BF16, 1, 2, &BlockDecoder.DecodeBF16, &FloatEncoder.EncodeBF16),
            new Block<Q4_0>(), new Block<Q4_1>(), new Block<Q5_0>(), new Block<Q5_1>(), new Block<Q8_0>(),
            new Block<Q2_K>(), new Block<Q3_K>(), new Block<Q4_K>(), new Block<Q5_K>(), new Block<Q6_K>(), new Block<IQ4_NL>(), new Block<IQ4_XS>(),
            new Block<IQ1_S>(), new Block<IQ1_M>(), new Block<IQ2_XXS>(), new Block<IQ2_XS>(), new Block<IQ2_S>(), new Block<IQ3_XXS>(), new Block<IQ3_S>(),
            new Block<TQ1_0>(), new Block<TQ2_0>(), new Block<MXFP4>(), new Block<NVFP4>(), new Block<Q1_0>(), new Block<Q2_0>(),

            // Known by size, so that a file that holds them can be listed.
            new(GgmlType.F64, 1, 8), new(GgmlType.I8, 1, 1), new(GgmlType.I16, 1, 2), new(GgmlType.I32, 1, 4), new(GgmlType.I64, 1, 8),
            new(GgmlType.Q8_1, 32, 36), new(GgmlType.Q8_K, 256, 292),
        ];
        var table = new BlockFormat?[formats.Max(format => (int)format.Type) + 1];
        foreach (var format in formats)
        {
            table[(int)format.Type] = format;
        }

        return table;
    }

    /// <summary>A quantized format, by its struct.</summary>
    private sealed class Block<T> : BlockFormat where T : unmanaged, IBlockFormat<T>
    {
        public Block() : base(T.Type, T.BlockSize, T.BlockBytes, &BlockDecoder.Decode<T>, EncoderOf())
        {
            if (sizeof(T) != T.BlockBytes)
            {
                throw new InvalidOperationException($"Layout of {T.Type} takes {sizeof(T)} bytes, {T.BlockBytes} expected.");
            }
        }

        private static delegate*<float*, float*, byte*, long, void> EncoderOf()
        {
            if (T.Type is GgmlType.IQ1_S or GgmlType.IQ1_M)
            {
                return &TernaryEncoder<T>.Encode;
            }

            if (T.SubScales.Most == 1 && T.Kind == BlockKind.Super)
            {
                return &CodebookEncoder<T>.Encode;
            }

            return T.CodeTable.IsEmpty && T.CodeBits > 1 ? EncoderOf<UniformLevels<T>>() : EncoderOf<TableLevels<T>>();
        }

        /// <summary>Runs the static initialisers of an encoder before the JIT sees it, so that it takes their constants for constants.</summary>
        private static delegate*<float*, float*, byte*, long, void> EncoderOf<TLevels>() where TLevels : struct, ILevels
        {
            RuntimeHelpers.RunClassConstructor(typeof(TLevels).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(BlockSearch<T, TLevels>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(SuperSearch<T, TLevels>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(SuperMinimumSearch<T, TLevels>).TypeHandle);
            RuntimeHelpers.RunClassConstructor(typeof(ScalarEncoder<T, TLevels>).TypeHandle);
            return &ScalarEncoder<T, TLevels>.Encode;
        }

        public override BlockKind? Kind => T.Kind;

        public override int SubBlockSize => T.SubBlockSize;

        public override TResult Accept<TResult>(IBlockFormatVisitor<TResult> visitor) => visitor.Visit<T>();
    }
}
