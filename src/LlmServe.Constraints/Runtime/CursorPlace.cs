namespace LlmServe.Constraints.Runtime;

/// <summary>Where a cursor stands.</summary>
/// <param name="Here">The configuration.</param>
/// <param name="Names">The names of the objects that are open.</param>
/// <param name="Preamble">How far the preamble is.</param>
internal readonly record struct CursorPlace(Configuration Here, NamesPlace Names, PreamblePlace Preamble);
