using LlmServe.Constraints.Automata;
using LlmServe.Constraints.Languages;

namespace LlmServe.Constraints.Schemas;

/// <summary>The decimal forms of the numbers within bounds: digits are compared with those of the bounds as they come, and remainders are kept.</summary>
internal sealed class NumberTexts
{
    /// <summary>Most digits before the point where no bound asks for more.</summary>
    public const int MostWholeDigits = 19;

    /// <summary>Most digits behind the point where no bound asks for more.</summary>
    public const int MostFractionDigits = 16;

    /// <summary>Most digits of an exponent.</summary>
    public const int MostExponentDigits = 2;

    private const int LargestStep = 20_000;

    // Beyond this there would be too many states if digits were counted beside remainders; such numbers may be of any length.
    private const int LargestCountedStep = 64;

    private readonly bool _fractions;
    private readonly bool _integers;
    private readonly bool _trailingZeros;
    private readonly Magnitudes _positive;
    private readonly Magnitudes _negative;
    private readonly int _step;
    private readonly int _stepScale;
    private readonly int _longestBound;
    private readonly bool _countsDigits;
    private readonly int _mostWhole;
    private readonly int _mostFraction;

    private NumberTexts(NumberBounds bounds, JsonTypes types, bool trailingZeros, string place)
    {
        _fractions = (types & JsonTypes.Fraction) != 0;
        _integers = (types & JsonTypes.Integer) != 0;
        _trailingZeros = trailingZeros && _fractions;
        _positive = Magnitudes.Of(bounds.Low, bounds.LowIsOut, bounds.High, bounds.HighIsOut);
        _negative = Magnitudes.Of(bounds.High?.Negated, bounds.HighIsOut, bounds.Low?.Negated, bounds.LowIsOut);
        if (bounds.Step is { } step)
        {
            _step = step.Unscaled <= LargestStep
                ? (int)step.Unscaled : throw new ConstraintException(place, $"multipleOf must have at most {LargestStep} as its digits, not {step}");
            _stepScale = step.Scale;
        }

        _longestBound = Math.Max(_positive.WholeDigits, _negative.WholeDigits);
        _mostWhole = Math.Max(MostWholeDigits, _longestBound + 1);
        _countsDigits = _step <= LargestCountedStep;
        _mostFraction = !_fractions ? 0
            : _step != 0 ? _stepScale
            : Math.Max(MostFractionDigits, Math.Max(_positive.FractionDigits, _negative.FractionDigits) + 1);
    }

    private enum Phase
    {
        Start,
        Sign,
        Zero,
        Whole,
        Point,
        Fraction,
    }

    /// <summary>Where reading a number stands.</summary>
    /// <param name="Phase">The part of the number.</param>
    /// <param name="IsNegative">Whether there was a minus.</param>
    /// <param name="Digits">Digits of the part, as far as they matter.</param>
    /// <param name="Low">How the digits compare with the lower bound's.</param>
    /// <param name="High">How they compare with the upper bound's.</param>
    /// <param name="Remainder">Of all digits so far.</param>
    /// <param name="IsBelowOne">Whether the part before the point is zero.</param>
    /// <param name="AnyNonZero">Whether a digit behind the point was not zero.</param>
    /// <param name="EndsInZero">Whether the last digit behind the point was zero.</param>
    private readonly record struct Place(
        Phase Phase, bool IsNegative, int Digits, sbyte Low, sbyte High, int Remainder, bool IsBelowOne, bool AnyNonZero, bool EndsInZero);

    /// <summary>The forms.</summary>
    /// <param name="bounds">The bounds.</param>
    /// <param name="types">Integers, fractions or both.</param>
    /// <param name="trailingZeros">Whether a number may also be written with zeros that say nothing, as in 1.50.</param>
    /// <param name="place">Where the bounds stand, for errors.</param>
    /// <param name="meter">Counts the work.</param>
    public static Language Of(NumberBounds bounds, JsonTypes types, bool trailingZeros, string place, WorkMeter meter)
    {
        var texts = new NumberTexts(bounds, types, trailingZeros, place);
        return Language.Explore(new Place(Phase.Start, false, 0, 0, 0, 0, false, false, false), texts.IsWhole, texts.Steps, meter);
    }

    private Magnitudes BoundsOf(in Place at) => at.IsNegative ? _negative : _positive;

    private IEnumerable<(CodePointSet, Place)> Steps(Place at)
    {
        if (at.Phase == Phase.Start)
        {
            yield return (CodePointSet.Of('-'), at with { Phase = Phase.Sign, IsNegative = true });
        }

        if (at.Phase is Phase.Zero or Phase.Whole && _fractions)
        {
            yield return (CodePointSet.Of('.'), EndWhole(at));
        }

        for (int digit = 0; digit <= 9; digit++)
        {
            if (Next(at, digit) is { } next)
            {
                yield return (CodePointSet.Of('0' + digit), next);
            }
        }
    }

    private Place? Next(in Place at, int digit) => at.Phase switch
    {
        Phase.Start or Phase.Sign => WholeDigit(at with { Phase = digit == 0 ? Phase.Zero : Phase.Whole, IsBelowOne = digit == 0 }, digit),
        Phase.Whole when at.Digits < _mostWhole || !_countsDigits => WholeDigit(at, digit),
        Phase.Point or Phase.Fraction when at.Digits < _mostFraction => FractionDigit(at, digit),
        _ => null,
    };

    private Place WholeDigit(in Place at, int digit)
    {
        var bounds = BoundsOf(at);
        return at with
        {
            Digits = _countsDigits ? at.Digits + 1 : Math.Min(at.Digits + 1, _longestBound + 1),
            Low = Compare(at.Low, bounds.Low.Whole, at.Digits, digit),
            High = Compare(at.High, bounds.High.Whole, at.Digits, digit),
            Remainder = _step == 0 ? 0 : (int)(((at.Remainder * 10L) + digit) % _step),
        };
    }

    private static sbyte Compare(sbyte soFar, string digits, int index, int digit) =>
        soFar != 0 || index >= digits.Length ? soFar : (sbyte)Math.Sign(digit - (digits[index] - '0'));

    /// <summary>At the point it is known how many digits stand before it.</summary>
    private Place EndWhole(in Place at)
    {
        var bounds = BoundsOf(at);
        return at with
        {
            Phase = Phase.Point,
            Digits = 0,
            Low = bounds.Low.IsNone ? (sbyte)1 : WithLength(at.Low, at.Digits, bounds.Low.Whole.Length),
            High = bounds.High.IsNone ? (sbyte)-1 : WithLength(at.High, at.Digits, bounds.High.Whole.Length),
        };
    }

    private static sbyte WithLength(sbyte soFar, int digits, int length) => digits == length ? soFar : (sbyte)Math.Sign(digits - length);

    private Place? FractionDigit(in Place at, int digit)
    {
        if (_step != 0 && at.Digits >= _stepScale && digit != 0)
        {
            return null; // no multiple has digits so far behind the point
        }

        var bounds = BoundsOf(at);
        return at with
        {
            Phase = Phase.Fraction,
            Digits = at.Digits + 1,
            Low = CompareFraction(at.Low, bounds.Low.Fraction, at.Digits, digit),
            High = CompareFraction(at.High, bounds.High.Fraction, at.Digits, digit),
            Remainder = _step == 0 || at.Digits >= _stepScale ? at.Remainder : (int)(((at.Remainder * 10L) + digit) % _step),
            AnyNonZero = at.AnyNonZero || digit != 0,
            EndsInZero = digit == 0,
        };
    }

    private static sbyte CompareFraction(sbyte soFar, string digits, int index, int digit) =>
        soFar != 0 ? soFar : (sbyte)Math.Sign(digit - (index < digits.Length ? digits[index] - '0' : 0));

    /// <summary>Whether a number may end here, within its bounds.</summary>
    private bool IsWhole(Place at)
    {
        if (at.Phase is Phase.Start or Phase.Sign or Phase.Point || (at.Phase == Phase.Fraction && at.EndsInZero && !_trailingZeros))
        {
            return false;
        }

        bool isInteger = !at.AnyNonZero;
        if (!(isInteger ? _integers : _fractions) || (at.IsNegative && isInteger && at.IsBelowOne))
        {
            return false;
        }

        var behind = at.Phase == Phase.Fraction ? at : EndWhole(at);
        return BoundsOf(at).Allow(Ended(behind.Low, BoundsOf(at).Low, behind.Digits), Ended(behind.High, BoundsOf(at).High, behind.Digits)) && IsMultiple(behind);
    }

    /// <summary>Digits of a bound that have not been reached make it the greater.</summary>
    private static int Ended(sbyte soFar, in Magnitude bound, int digits) => soFar == 0 && digits < bound.Fraction.Length ? -1 : soFar;

    private bool IsMultiple(in Place at)
    {
        if (_step == 0)
        {
            return true;
        }

        long remainder = at.Remainder;
        for (int i = at.Digits; i < _stepScale; i++)
        {
            remainder = remainder * 10 % _step;
        }

        return remainder == 0;
    }
}
