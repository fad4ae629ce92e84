namespace Maha.Samples.Data.ManualPages;

/// <summary>A document of a task.</summary>
/// <param name="Label">Its class; in a task with several labels per page, the labels with <see cref="PageTask.LabelSeparator"/> between them.</param>
/// <param name="Text">Its text, with line breaks.</param>
/// <param name="Name">The page's file name, such as "open.2"; not for training.</param>
/// <param name="Fold">0 to 4, a fifth of each class apiece. Fold 0 is the test set.</param>
public sealed record LabeledPage(string Label, string Text, string Name, int Fold);
