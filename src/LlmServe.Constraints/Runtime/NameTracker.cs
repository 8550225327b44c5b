namespace LlmServe.Constraints.Runtime;

/// <summary>What is being read of a JSON text, as far as names of properties are concerned.</summary>
internal enum NamePhase : byte
{
    /// <summary>No JSON.</summary>
    Outside,

    /// <summary>Between strings; the next string is a value.</summary>
    BeforeValue,

    /// <summary>Between strings; the next string is a name.</summary>
    BeforeName,

    /// <summary>In a name.</summary>
    Name,

    /// <summary>In a name, behind a backslash.</summary>
    NameEscape,

    /// <summary>In a string that is a value.</summary>
    Text,

    /// <summary>In a string that is a value, behind a backslash.</summary>
    TextEscape,
}

/// <summary>Where a <see cref="NameTracker"/> stands. What the tracker keeps beyond these counts does not matter.</summary>
/// <param name="Phase">What is being read.</param>
/// <param name="Frame">The innermost object or array; −1: none.</param>
/// <param name="NameStart">Where the name that is being read begins in the buffer.</param>
/// <param name="Bytes">Bytes in the buffer.</param>
/// <param name="Frames">Number of frames.</param>
/// <param name="Names">Number of names.</param>
internal readonly record struct NamesPlace(NamePhase Phase, int Frame, int NameStart, int Bytes, int Frames, int Names)
{
    /// <summary>Before any JSON.</summary>
    public static NamesPlace Outside { get; } = new(NamePhase.Outside, -1, 0, 0, 0, 0);
}

/// <summary>
/// Remembers the names of the properties of the objects that are open in a JSON text, so that no object gets one twice: that is no matter of grammar.
/// It only ever adds to what it keeps, so that a place is a few counts, and going back is taking an older place. Names have one form each.
/// </summary>
internal sealed class NameTracker
{
    private byte[] _bytes = new byte[256];
    private int[] _parents = new int[32];    // [frames] the frame around each
    private bool[] _isObject = new bool[32]; // [frames]
    private int[] _lastNames = new int[32];  // [frames] the last name, or −1
    private int[] _starts = new int[32];     // [names] in _bytes
    private int[] _lengths = new int[32];    // [names]
    private int[] _earlier = new int[32];    // [names] the name before it in the same object, or −1

    /// <summary>Reads a byte of a JSON text.</summary>
    /// <param name="place">The place; afterwards the one behind the byte.</param>
    /// <param name="value">The byte.</param>
    /// <returns>False if it ends a name that the object has already.</returns>
    public bool TryRead(ref NamesPlace place, byte value)
    {
        switch (place.Phase)
        {
            case NamePhase.Name or NamePhase.NameEscape:
                return TryReadName(ref place, value);
            case NamePhase.Text:
                place = place with { Phase = value == '"' ? NamePhase.BeforeValue : value == '\\' ? NamePhase.TextEscape : NamePhase.Text };
                return true;
            case NamePhase.TextEscape:
                place = place with { Phase = NamePhase.Text };
                return true;
            default:
                ReadBetween(ref place, value);
                return true;
        }
    }

    /// <summary>The last name of the innermost object, or −1.</summary>
    public int LastName(in NamesPlace place) => place.Frame < 0 || !_isObject[place.Frame] ? -1 : _lastNames[place.Frame];

    /// <summary>The name before a name in the same object, or −1.</summary>
    public int Earlier(int name) => _earlier[name];

    /// <summary>The bytes of a name, as they stand between its quotes.</summary>
    public ReadOnlySpan<byte> BytesOf(int name) => _bytes.AsSpan(_starts[name], _lengths[name]);

    /// <summary>What has been read of the name that is being read.</summary>
    public ReadOnlySpan<byte> Current(in NamesPlace place) => _bytes.AsSpan(place.NameStart, place.Bytes - place.NameStart);

    private void ReadBetween(ref NamesPlace place, byte value)
    {
        switch (value)
        {
            case (byte)'{' or (byte)'[':
                Open(ref place, isObject: value == '{');
                break;
            case (byte)'}' or (byte)']':
                int parent = place.Frame < 0 ? -1 : _parents[place.Frame];
                place = place with { Frame = parent, Phase = parent < 0 ? NamePhase.Outside : NamePhase.BeforeValue };
                break;
            case (byte)',' when place.Frame >= 0 && _isObject[place.Frame]:
                place = place with { Phase = NamePhase.BeforeName };
                break;
            case (byte)'"' when place.Phase == NamePhase.BeforeName:
                place = place with { Phase = NamePhase.Name, NameStart = place.Bytes };
                break;
            case (byte)'"':
                place = place with { Phase = NamePhase.Text };
                break;
        }
    }

    private bool TryReadName(ref NamesPlace place, byte value)
    {
        if (place.Phase == NamePhase.Name && value == '"')
        {
            return TryAddName(ref place);
        }

        if (place.Bytes == _bytes.Length)
        {
            Array.Resize(ref _bytes, place.Bytes * 2);
        }

        _bytes[place.Bytes] = value;
        bool escapes = place.Phase == NamePhase.Name && value == '\\';
        place = place with { Bytes = place.Bytes + 1, Phase = escapes ? NamePhase.NameEscape : NamePhase.Name };
        return true;
    }

    private bool TryAddName(ref NamesPlace place)
    {
        for (int name = _lastNames[place.Frame]; name >= 0; name = _earlier[name])
        {
            if (BytesOf(name).SequenceEqual(Current(place)))
            {
                return false;
            }
        }

        if (place.Names == _starts.Length)
        {
            Array.Resize(ref _starts, place.Names * 2);
            Array.Resize(ref _lengths, place.Names * 2);
            Array.Resize(ref _earlier, place.Names * 2);
        }

        _starts[place.Names] = place.NameStart;
        _lengths[place.Names] = place.Bytes - place.NameStart;
        _earlier[place.Names] = _lastNames[place.Frame];
        int frame = AddFrame(ref place, _parents[place.Frame], isObject: true, place.Names); // the object with one name more
        place = place with { Frame = frame, Names = place.Names + 1, Phase = NamePhase.BeforeValue };
        return true;
    }

    private void Open(ref NamesPlace place, bool isObject)
    {
        int frame = AddFrame(ref place, place.Frame, isObject, lastName: -1);
        place = place with { Frame = frame, Phase = isObject ? NamePhase.BeforeName : NamePhase.BeforeValue };
    }

    private int AddFrame(ref NamesPlace place, int parent, bool isObject, int lastName)
    {
        if (place.Frames == _parents.Length)
        {
            Array.Resize(ref _parents, place.Frames * 2);
            Array.Resize(ref _isObject, place.Frames * 2);
            Array.Resize(ref _lastNames, place.Frames * 2);
        }

        (_parents[place.Frames], _isObject[place.Frames], _lastNames[place.Frames]) = (parent, isObject, lastName);
        place = place with { Frames = place.Frames + 1 };
        return place.Frames - 1;
    }
}
