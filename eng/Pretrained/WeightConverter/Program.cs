using Maha.Layers.Pretrained;
using Maha.WeightConverter;

// The assembly of the package, the beginning of its resource names, the file to write.
if (args is not [var assembly, var resources, var output])
{
    Console.Error.WriteLine("Usage: Maha.WeightConverter ASSEMBLY RESOURCES OUTPUT");
    return 2;
}
using var model = new MemoryStream(AssemblyResources.Read(assembly, $"{resources}model.onnx"));
using var vocabulary = new MemoryStream(AssemblyResources.Read(assembly, $"{resources}vocab.txt"));
using var checkpoint = BertCheckpoint.FromOnnx(model, vocabulary);

// The file has its name only when it is complete, so that a canceled build does not leave a part of it.
string partial = output + ".partial";
Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(output))!);
using (var stream = File.Create(partial))
    checkpoint.Save(stream, half: true);
File.Move(partial, output, overwrite: true);
return 0;
