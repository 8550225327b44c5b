namespace LlmServe.Engine.Speculation;

/// <summary>How often guesses of one kind turn out right: a mean that forgets, drawn towards what is expected while little has been seen.</summary>
/// <param name="memory">Trials that count; older ones fade.</param>
/// <param name="trust">Trials that the expectation weighs.</param>
internal sealed class AcceptanceRate(float memory, float trust)
{
    private readonly float _keep = 1 - 1 / memory;
    private float _trials;
    private float _right;

    /// <summary>Share of right guesses to expect.</summary>
    /// <param name="expected">What is expected of guesses of this kind in general.</param>
    public float Value(float expected) => (_right + trust * expected) / (_trials + trust);

    /// <summary>Takes in how a guess went.</summary>
    public void Add(bool right)
    {
        _trials = _trials * _keep + 1;
        _right = _right * _keep + (right ? 1 : 0);
    }

    /// <summary>Forgets a little, so that what did not pay once is tried again some day.</summary>
    /// <param name="keep">Share to keep.</param>
    public void Fade(float keep)
    {
        _trials *= keep;
        _right *= keep;
    }
}
