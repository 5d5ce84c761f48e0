package build.kiln.runtime.cli.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import java.lang.reflect.Constructor;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads records whose values are plain: texts, numbers, booleans, enumerations, records, lists of
 * those, and maps of texts to them. Jackson would read the same, but finding out about all that a
 * resource can have, such as a pod's affinity, takes a new process 0.15 s, and most have none of
 * it. What is not plain is not read at all: Jackson is asked then, and says what is wrong.
 */
final class PlainValues {
  private static final Set<String> METADATA =
      Set.of("name", "namespace", "uid", "labels", "annotations");

  /** Not plain. */
  private static final class NotPlain extends Exception {
    NotPlain() {
      super(null, null, false, false);
    }
  }

  private PlainValues() {}

  /** Empty if the tree has what is not plain, or does not fit. */
  static <T extends Record> Optional<T> read(JsonNode tree, Class<T> type) {
    try {
      return Optional.ofNullable(type.cast(value(tree, type)));
    } catch (NotPlain e) {
      return Optional.empty();
    }
  }

  /** Empty if there is more than people write. */
  static Optional<ObjectMeta> metadata(JsonNode tree) {
    boolean plain = tree.properties().stream().allMatch(field -> METADATA.contains(field.getKey()));
    if (!tree.isObject() || !plain) {
      return Optional.empty();
    }
    try {
      var metadata = new ObjectMeta();
      metadata.setName(text(tree.path("name")));
      metadata.setNamespace(text(tree.path("namespace")));
      metadata.setUid(text(tree.path("uid")));
      metadata.setLabels(texts(tree.path("labels")));
      metadata.setAnnotations(texts(tree.path("annotations")));
      return Optional.of(metadata);
    } catch (NotPlain e) {
      return Optional.empty();
    }
  }

  private static @Nullable String text(JsonNode tree) throws NotPlain {
    return (String) value(tree, String.class);
  }

  /** Empty if there are none, as fabric8 has it. */
  private static Map<String, String> texts(JsonNode tree) throws NotPlain {
    if (!tree.isObject() && !tree.isMissingNode()) {
      throw new NotPlain();
    }
    Map<String, String> texts = new LinkedHashMap<>();
    for (var field : tree.properties()) {
      String text = text(field.getValue());
      if (text == null) {
        throw new NotPlain();
      }
      texts.put(field.getKey(), text);
    }
    return texts;
  }

  private static @Nullable Object value(JsonNode tree, Type type) throws NotPlain {
    if (tree.isNull() || tree.isMissingNode()) {
      return null;
    }
    return switch (type) {
      case Class<?> plain when plain.isRecord() -> object(tree, plain);
      case Class<?> plain when plain.isEnum() -> constant(tree, plain);
      case Class<?> plain -> scalar(tree, plain);
      case ParameterizedType generic when generic.getRawType() == List.class ->
          items(tree, generic.getActualTypeArguments()[0]);
      case ParameterizedType generic
          when generic.getRawType() == Map.class
              && generic.getActualTypeArguments()[0] == String.class ->
          fields(tree, generic.getActualTypeArguments()[1]);
      default -> throw new NotPlain();
    };
  }

  private static Object scalar(JsonNode tree, Class<?> type) throws NotPlain {
    if (type == String.class && tree.isTextual()) {
      return tree.textValue();
    }
    if (type == Boolean.class && tree.isBoolean()) {
      return tree.booleanValue();
    }
    if (type == Integer.class && tree.isIntegralNumber() && tree.canConvertToInt()) {
      return tree.intValue();
    }
    if (type == Long.class && tree.isIntegralNumber() && tree.canConvertToLong()) {
      return tree.longValue();
    }
    throw new NotPlain();
  }

  private static Object constant(JsonNode tree, Class<?> type) throws NotPlain {
    for (Object each : type.getEnumConstants()) {
      if (((Enum<?>) each).name().equals(tree.textValue())) {
        return each;
      }
    }
    throw new NotPlain();
  }

  private static List<@Nullable Object> items(JsonNode tree, Type type) throws NotPlain {
    if (!tree.isArray()) {
      throw new NotPlain();
    }
    List<@Nullable Object> items = new ArrayList<>(tree.size());
    for (JsonNode each : tree) {
      items.add(value(each, type));
    }
    return items;
  }

  private static Map<String, @Nullable Object> fields(JsonNode tree, Type type) throws NotPlain {
    if (!tree.isObject()) {
      throw new NotPlain();
    }
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    for (var field : tree.properties()) {
      fields.put(field.getKey(), value(field.getValue(), type));
    }
    return fields;
  }

  private static Object object(JsonNode tree, Class<?> type) throws NotPlain {
    if (!tree.isObject()) {
      throw new NotPlain();
    }
    RecordComponent[] components = type.getRecordComponents();
    Class<?>[] types = new Class<?>[components.length];
    @Nullable Object[] values = new @Nullable Object[components.length];
    for (int i = 0; i < components.length; i++) {
      types[i] = components[i].getType();
      JsonNode field = tree.path(components[i].getName());
      boolean generic = types[i] == List.class || types[i] == Map.class;
      values[i] = value(field, generic ? components[i].getGenericType() : types[i]);
    }
    try {
      Constructor<?> constructor = type.getDeclaredConstructor(types);
      return constructor.newInstance(values);
    } catch (ReflectiveOperationException | IllegalArgumentException e) {
      // Not public, or it does not like the values, or wants one that is missing.
      throw new NotPlain();
    }
  }
}
