namespace Maha.Layers.Data;

/// <summary>Specifies how the classes of the documents are weighted in the loss.</summary>
public enum ClassWeighting
{
    /// <summary>Every document has the same weight, so frequent classes have more influence.</summary>
    None,

    /// <summary>
    /// Every class has the same weight. A document of class c has the weight n / (C n_c), with n documents, C classes and n_c documents of
    /// the class.
    /// </summary>
    Balanced,
}
