using System.Numerics;

namespace LlmServe.Text.Templates;

/// <summary><c>none</c>.</summary>
internal sealed class NoneValue : Value
{
    public static readonly NoneValue Instance = new();

    private NoneValue()
    {
    }

    public override string TypeName => "NoneType";

    public override bool IsTrue => false;
}

/// <summary><c>true</c> and <c>false</c>.</summary>
internal sealed class BoolValue : Value
{
    public static readonly BoolValue True = new(true);
    public static readonly BoolValue False = new(false);

    private BoolValue(bool value) => IsTrue = value;

    public override string TypeName => "bool";

    public override bool IsTrue { get; }

    public static BoolValue Of(bool value) => value ? True : False;
}

/// <summary>An integer, exact at any length that the limit of <see cref="MaxBits"/> allows.</summary>
internal sealed class IntValue : Value
{
    /// <summary>Longest integer that a template may compute: about the 4300 digits at which Python stops to print them.</summary>
    public const int MaxBits = 14_400;

    private const int CacheStart = -16;
    private static readonly IntValue[] Cache = [.. Enumerable.Range(CacheStart, 512).Select(i => new IntValue(i))];

    private IntValue(BigInteger value) => Number = value;

    public BigInteger Number { get; }

    public override string TypeName => "int";

    public override bool IsTrue => !Number.IsZero;

    public static IntValue Of(int value)
    {
        uint slot = (uint)(value - CacheStart);
        return slot < Cache.Length ? Cache[slot] : new IntValue(value);
    }

    public static IntValue Of(BigInteger value) =>
        value >= CacheStart && value < CacheStart + Cache.Length ? Cache[(int)value - CacheStart] : new IntValue(value);
}

/// <summary>A float.</summary>
internal sealed class FloatValue(double number) : Value
{
    public double Number { get; } = number;

    public override string TypeName => "float";

    public override bool IsTrue => Number != 0;
}

/// <summary>
/// What a missing name, attribute or item gives: it is falsy, prints as nothing and iterates as nothing, and any other use of it is an error
/// that says what was missing.
/// </summary>
internal sealed class UndefinedValue : Value
{
    private readonly string _name;
    private readonly string? _owner;
    private readonly string? _reason;

    private UndefinedValue(string name, string? owner, string? reason)
    {
        _name = name;
        _owner = owner;
        _reason = reason;
    }

    public override string TypeName => "Undefined";

    public override bool IsTrue => false;

    public override int? Length => 0;

    public override bool IsCallable => true;

    public static UndefinedValue Variable(string name) => new(name, null, null);

    public static UndefinedValue Member(Value owner, string name) => new(name, owner.TypeName, null);

    public static UndefinedValue Because(string reason) => new("", null, reason);

    public TemplateRuntimeException Fail() => new(_reason
        ?? (_owner is null ? $"'{_name}' is undefined" : $"a value of type '{_owner}' has no attribute or item {PythonFormat.Quote(_name)}"));

    public override IEnumerable<Value> Items(RenderContext context) => [];

    public override Value GetItem(RenderContext context, Value key) => throw Fail();

    public override Value GetSlice(RenderContext context, SliceBounds bounds) => throw Fail();

    public override Value Call(RenderContext context, in Arguments arguments) => throw Fail();
}
