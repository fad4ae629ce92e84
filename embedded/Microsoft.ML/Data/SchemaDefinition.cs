using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

// How the public fields and properties of a class correspond to columns.
public sealed class SchemaDefinition : List<SchemaDefinition.Column>
{
    private SchemaDefinition()
    {
    }

    [Flags]
    public enum Direction
    {
        Read = 1,
        Write = 2,
        Both = Read | Write,
    }

    public sealed class Column
    {
        private readonly Dictionary<string, (DataViewType Type, Delegate Getter)> _annotations = [];

        internal Column(string memberName, DataViewType columnType, string columnName)
        {
            MemberName = memberName;
            ColumnType = columnType;
            ColumnName = columnName;
        }

        public string MemberName { get; }
        public string ColumnName { get; set; }
        public DataViewType ColumnType { get; set; }

        public DataViewSchema.Annotations Annotations
        {
            get
            {
                var builder = new DataViewSchema.Annotations.Builder();
                foreach ((string kind, (DataViewType type, Delegate getter)) in _annotations)
                    builder.Add(kind, type, getter);
                return builder.ToAnnotations();
            }
        }

        public void AddAnnotation<T>(string kind, T value, DataViewType annotationType)
        {
            Contracts.CheckValue(kind, nameof(kind));
            Contracts.CheckValue(annotationType, nameof(annotationType));
            if (_annotations.ContainsKey(kind))
                throw Contracts.Except("Column already contains an annotation of this kind.");
            AddAnnotation(kind, annotationType, (ValueGetter<T>)((ref T dst) => dst = value));
        }

        internal void AddAnnotation(string kind, DataViewType type, Delegate getter) => _annotations[kind] = (type, getter);
    }

    public Column this[string columnName]
    {
        get => Find(c => c.ColumnName == columnName);
        set
        {
            Contracts.CheckValue(value, nameof(value));
            Contracts.CheckParam(value.ColumnName == columnName, nameof(columnName), $"The column name is specified as '{value.ColumnName}' but must match the selector '{columnName}'.");
            int index = FindIndex(c => c.ColumnName == columnName);
            if (index >= 0)
                this[index] = value;
            else
                Add(value);
        }
    }

    public static SchemaDefinition Create(Type userType, Direction direction = Direction.Both)
    {
        Contracts.CheckValue(userType, nameof(userType));
        var columns = new SchemaDefinition();
        var names = new HashSet<string>();
        foreach (MemberInfo member in Members(userType, direction))
        {
            string name = member.GetCustomAttribute<ColumnNameAttribute>()?.Name ?? member.Name;
            Contracts.CheckParam(names.Add(name), nameof(userType), $"Duplicate column name '{name}' detected, this is disallowed");
            columns.Add(new Column(member.Name, TypeOf(member), name));
        }
        return columns;
    }

    // The columns of a row type as a schema has them, with that schema's types and annotations.
    internal static SchemaDefinition Create(Type userType, DataViewSchema schema)
    {
        SchemaDefinition columns = Create(userType, Direction.Read);
        foreach (DataViewSchema.Column column in schema)
        {
            Column own = columns[column.Name] ?? throw Contracts.Except($"Type should contain a member named {column.Name}");
            own.ColumnType = column.Type;
            foreach (DataViewSchema.Column annotation in column.Annotations.Schema)
                own.AddAnnotation(annotation.Name, annotation.Type, column.Annotations.GetGetterInternal(annotation.Index));
        }
        return columns;
    }

    private static IEnumerable<MemberInfo> Members(Type type, Direction direction)
    {
        IEnumerable<MemberInfo> fields = type.GetFields(BindingFlags.Public | BindingFlags.Instance);
        IEnumerable<PropertyInfo> properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.GetIndexParameters().Length == 0
            && ((direction.HasFlag(Direction.Read) && p.GetGetMethod() != null) || (direction.HasFlag(Direction.Write) && p.GetSetMethod() != null)));
        return fields.Concat(properties).Where(m => MemberType(m) != typeof(IChannel) && m.GetCustomAttribute<NoColumnAttribute>() == null);
    }

    internal static Type MemberType(MemberInfo member) => member is FieldInfo field ? field.FieldType : ((PropertyInfo)member).PropertyType;

    // The item type of a column from this member, text for strings, and whether the column is a vector.
    internal static Type ItemType(MemberInfo member, out bool isVector)
    {
        Type type = MemberType(member);
        isVector = true;
        if (type.IsArray)
            type = type.GetElementType();
        else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(VBuffer<>))
            type = type.GetGenericArguments()[0];
        else
            isVector = false;
        if (!ColumnTypeExtensions.TryGetKind(type, out _))
            throw Contracts.ExceptParam("rawType", $"Could not determine an IDataView type and registered custom types for member {member.Name}");
        return type == typeof(string) ? typeof(ReadOnlyMemory<char>) : type;
    }

    private static DataViewType TypeOf(MemberInfo member)
    {
        Type itemType = ItemType(member, out bool isVector);
        PrimitiveDataViewType item = ColumnTypeExtensions.PrimitiveTypeFromType(itemType);
        if (member.GetCustomAttribute<KeyTypeAttribute>() is { } key)
        {
            Contracts.CheckParam(KeyDataViewType.IsValidDataType(itemType), "userType", $"Member {member.Name} marked with KeyType attribute, but does not appear to be a valid kind of data for a key type");
            item = new KeyDataViewType(itemType, key.Count);
        }
        VectorTypeAttribute vector = member.GetCustomAttribute<VectorTypeAttribute>();
        Contracts.CheckParam(vector == null || isVector, "userType", $"Member {member.Name} marked with VectorTypeAttribute, but does not appear to be a vector type");
        if (!isVector)
            return item;
        return vector is { Dimensions.Length: > 0 } ? new VectorDataViewType(item, vector.Dimensions) : new VectorDataViewType(item);
    }
}
