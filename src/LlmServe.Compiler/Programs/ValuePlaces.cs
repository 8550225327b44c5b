using LlmServe.Compiler.Graph;

namespace LlmServe.Compiler.Programs;

/// <summary>Gives values their buffers.</summary>
internal sealed class ValuePlaces
{
    private readonly ActivationForms[] _forms; // [values]
    private readonly ITarget _target;
    private readonly int _rows;
    private readonly int[] _lastReaders; // [values]; the operation that reads it last
    private readonly int[] _buffers; // [values]; −1: none yet
    private readonly int[] _caches; // [caches]
    private readonly List<Buffer> _all = [];

    /// <param name="graph">The operations that are lowered, in order.</param>
    /// <param name="forms">The forms of its values.</param>
    /// <param name="target">The backend.</param>
    /// <param name="rows">Most rows of a tick.</param>
    public ValuePlaces(ModelGraph graph, ActivationForms[] forms, ITarget target, int rows)
    {
        _forms = forms;
        _target = target;
        _rows = rows;
        _lastReaders = graph.LastReaders();
        _buffers = new int[graph.Values.Count];
        Array.Fill(_buffers, -1);
        _caches = [.. graph.Caches.Select(c => Add(new Buffer(_all.Count, c.Name, c.Columns, ActivationForms.None, 0, 0, BufferPlace.Cache)))];
    }

    /// <summary>All buffers.</summary>
    public IReadOnlyList<Buffer> Buffers => _all;

    /// <summary>The buffers of caches.</summary>
    public IReadOnlyList<int> Caches => _caches;

    /// <summary>The buffer of a value that was written.</summary>
    public int this[GraphValue value] => _buffers[value.Id];

    /// <summary>The buffer of a cache.</summary>
    public int this[LayerCache cache] => _caches[cache.Id];

    /// <summary>Whether the value has a buffer.</summary>
    public bool Has(GraphValue value) => _buffers[value.Id] >= 0;

    /// <summary>Whether every lane has the value for itself.</summary>
    public bool IsPrivate(GraphValue value) => IsPrivate(_buffers[value.Id]);

    /// <summary>Whether every lane has a buffer of this number for itself.</summary>
    public bool IsPrivate(int buffer) => _all[buffer].Place == BufferPlace.Lane;

    /// <summary>A buffer of its own for a value.</summary>
    public int Create(GraphValue value, bool isPrivate)
    {
        int rowBytes = _target.RowBytes(_forms[value.Id], value.Columns);
        return _buffers[value.Id] = Add(new Buffer(
            _all.Count, value.Name, value.Columns, _forms[value.Id], rowBytes, _rows * value.Rows.Copies, isPrivate ? BufferPlace.Lane : BufferPlace.Arena)
        {
            Storage = _target.Describe(_forms[value.Id]),
        });
    }

    /// <summary>Puts a value where another one stands, which nobody reads any more.</summary>
    public int Replace(GraphValue old, GraphValue value) => _buffers[value.Id] = _buffers[old.Id];

    /// <summary>Whether a value may be put where another one stands, once an operation is done.</summary>
    /// <param name="old">The value that stands there.</param>
    /// <param name="value">The new one.</param>
    /// <param name="operation">The operation that writes it.</param>
    public bool CanReplace(GraphValue old, GraphValue value, int operation) =>
        _lastReaders[old.Id] == operation && old.Columns == value.Columns && old.Rows == value.Rows
        && _forms[old.Id] == ActivationForms.Real && _forms[value.Id] == ActivationForms.Real;

    /// <summary>A buffer with a row for each lane, where others can read it.</summary>
    public int CreateParts(string name, int columns) => Add(new Buffer(
        _all.Count, name, columns, ActivationForms.Real, _target.RowBytes(ActivationForms.Real, columns), _target.Lanes, BufferPlace.Arena)
    {
        Storage = _target.Describe(ActivationForms.Real),
    });

    private int Add(Buffer buffer)
    {
        _all.Add(buffer);
        return buffer.Id;
    }
}
